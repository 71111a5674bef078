import { type Failure, fail, toFailure } from '../../protocol/failure.ts';
import { type Actor, type Audit, SYSTEM } from '../audit.ts';
import type { Clock } from '../clock.ts';
import type { Db } from '../db/open.ts';
import { readSetting, writeSetting } from '../db/settings.ts';
import type { Events } from '../events.ts';
import type { Logger } from '../log.ts';
import type { OpenVault } from '../vault/create.ts';
import { type MadeSelfBackup, makeSelfBackup } from './make.ts';

export interface SelfBackupDeps {
  db: Db;
  dataDir: string;
  vault(): OpenVault;
  masterKeyApart: boolean;
  clock: Clock;
  audit: Audit;
  events: Events;
  log: Logger;
  /** At which hour of the day, UTC; null: only when somebody asks. */
  hour: number | null;
}

/** How many stay in a store. */
export const KEPT = 14;
/** Without a good one for so long, people are warned; in milliseconds. */
export const LATE_MS = 48 * 3600_000;
/** After a failure it is tried again, in milliseconds. */
const RETRY_MS = 3600_000;
const LOOK_MS = 60_000;
const DAY_MS = 24 * 3600_000;

type Last = MadeSelfBackup & { at: number };
interface Noted {
  /** Since when they are made, for how long there may be none. */
  since: number;
  last: Last | null;
  /** Of the newest try, if it failed. */
  failure: { at: number; failure: Failure } | null;
}

export interface SelfBackupState extends Noted {
  /** When the next one is made by itself; null: never. */
  nextAt: number | null;
  running: boolean;
  /** Whether people should be warned: the newest try failed, or there is none for too long. */
  late: boolean;
}

/** Backs the control plane up, once a day and when asked. */
export interface SelfBackups {
  start(): void;
  /** Resolves when none is at work any more. */
  stop(): Promise<void>;
  state(): SelfBackupState;
  /** @throws FailureError `conflict` while one is being made, else why it could not be */
  make(by: { actor: Actor; from?: string }): Promise<void>;
}

const SETTING = 'self-backup';

export function createSelfBackups(deps: SelfBackupDeps): SelfBackups {
  const { clock, db, events, hour, log } = deps;
  let cancelTick: (() => void) | undefined;
  let atWork: Promise<unknown> | undefined;

  function noted(): Noted {
    const text = readSetting(db, SETTING);
    return text === undefined
      ? { since: clock.now(), last: null, failure: null }
      : (JSON.parse(text) as Noted);
  }
  const note = (change: Partial<Noted>) =>
    writeSetting(db, SETTING, JSON.stringify({ ...noted(), ...change }));

  function nextAt({ failure, last, since }: Noted): number | null {
    if (hour === null) return null;
    if (failure) return failure.at + RETRY_MS;
    return nextHour(last?.at ?? since, hour);
  }

  async function make({ actor, from = '' }: { actor: Actor; from?: string }): Promise<void> {
    if (atWork) throw underWay();
    const { dataDir, masterKeyApart } = deps;
    const vault = deps.vault();
    const now = clock.now();
    const work = makeSelfBackup({ db, dataDir, masterKeyApart, now, vault, keep: KEPT });
    atWork = work
      .catch(() => undefined)
      .finally(() => {
        atWork = undefined;
      });
    events.changed('settings');
    const target = { kind: 'vault', id: vault.id, name: vault.secrets.name };
    try {
      const made = await work;
      note({ last: { ...made, at: now }, failure: null });
      deps.audit({ actor, action: 'self-backup.make', target, from, details: { name: made.name } });
      log.info({ name: made.name, bytes: made.bytes }, 'the control plane has backed itself up');
    } catch (error) {
      const failure = toFailure(error);
      note({ failure: { at: now, failure } });
      log.error({ err: error }, 'the control plane could not back itself up');
      throw error;
    } finally {
      await atWork;
      events.changed('settings');
    }
  }

  function tick(): void {
    cancelTick = clock.after(LOOK_MS, tick);
    const due = nextAt(noted());
    // What went wrong is noted and logged.
    if (due !== null && due <= clock.now() && !atWork) make({ actor: SYSTEM }).catch(() => undefined);
  }

  return {
    start() {
      if (readSetting(db, SETTING) === undefined) note({});
      cancelTick = clock.after(LOOK_MS, tick);
    },
    async stop() {
      cancelTick?.();
      await atWork;
    },
    state() {
      const told = noted();
      const late = clock.now() - (told.last?.at ?? told.since) > LATE_MS;
      return {
        ...told,
        nextAt: nextAt(told),
        running: atWork !== undefined,
        late: late || told.failure !== null,
      };
    },
    make,
  };
}

/** The first time after `at` at which this hour of the day begins, UTC. */
export function nextHour(at: number, hour: number): number {
  const today = Math.floor(at / DAY_MS) * DAY_MS + hour * 3600_000;
  return today > at ? today : today + DAY_MS;
}

function underWay() {
  return fail('conflict', 'A backup of the control plane is being made already.', 'Wait until it is done.');
}
