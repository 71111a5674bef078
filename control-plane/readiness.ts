import { toFailure } from '../protocol/failure.ts';
import type { Clock } from './clock.ts';
import { answers } from './db/measures.ts';
import type { Db } from './db/open.ts';
import type { Logger } from './log.ts';
import type { VaultService } from './vault/service.ts';

/** How long one look counts, in milliseconds: everybody may ask, and a bucket charges for each request. */
export const LOOK_COUNTS_MS = 10_000;
/** How long a store has to answer, in milliseconds. */
const STORE_MS = 5_000;

/** Whether what is asked for can be done. Nothing in it tells where anything is. */
export interface Readiness {
  ready: boolean;
  /** Whether the index answers. */
  database: boolean;
  /** Whether the store that new backups go to answers, or its replica in its place. */
  store: boolean;
}

/** Looks whether database and store are usable, at most every {@link LOOK_COUNTS_MS}; changes are logged. */
export function createReadiness(deps: {
  db: Db;
  vault: Pick<VaultService, 'reachStore'>;
  clock: Clock;
  log: Logger;
}): () => Promise<Readiness> {
  const { clock, db, log, vault } = deps;
  let last: { at: number; look: Promise<Readiness> } | undefined;
  let wasReady = true;

  async function look(): Promise<Readiness> {
    const database = await succeeds('database', () => Promise.resolve(answers(db)));
    const store = await succeeds('store', () => vault.reachStore(STORE_MS));
    const ready = database && store;
    if (ready && !wasReady) log.info('ready again');
    wasReady = ready;
    return { ready, database, store };
  }

  async function succeeds(what: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (wasReady) log.warn({ failure: toFailure(error) }, `not ready: the ${what} does not answer`);
      return false;
    }
  }

  return () => {
    const now = clock.now();
    if (!last || Math.abs(now - last.at) >= LOOK_COUNTS_MS) last = { at: now, look: look() };
    return last.look;
  };
}
