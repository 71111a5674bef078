import { setImmediate as nextTurn } from 'node:timers/promises';
import { FailureError } from '../../protocol/failure.ts';
import { type Audit, SYSTEM } from '../audit.ts';
import type { Clock } from '../clock.ts';
import { databasesCalled } from '../db/databases.ts';
import type { Db } from '../db/open.ts';
import { readSetting, writeSetting } from '../db/settings.ts';
import {
  allJudging,
  expiredSnapshots,
  judgedBefore,
  judgingOf,
  marksOf,
  postponeExpiry,
  putMark,
  removeMark,
} from '../db/snapshot-marks.ts';
import type { Events } from '../events.ts';
import type { Logger } from '../log.ts';
import type { VaultService } from '../vault/service.ts';
import { judgeDatabase } from './judge.ts';

export interface KeeperDeps {
  db: Db;
  clock: Clock;
  events: Events;
  audit: Audit;
  log: Logger;
  vault: Pick<VaultService, 'snapshot' | 'deleteSnapshot'>;
}

/** Judges snapshots by the rules of their databases' policies, and deletes what none keeps when its time has come. */
export interface Keeper {
  start(): void;
  stop(): void;
  /** Something about a database's snapshots changed: they are judged anew. */
  judge(databaseId: string): void;
}

/** Between two looks at what is to be deleted, in milliseconds. */
const LOOK_MS = 10_000;
/** Time that has leapt if so much passes between two looks; and how long nothing is deleted then. */
const LEAP_MS = 24 * 3600_000;
/** How often the time of the last look is written down. */
const NOTE_MS = 10 * 60_000;
const LAST_LOOK = 'retention-look';
/** Snapshots deleted in one look. */
const AT_ONCE = 200;

export function createKeeper(deps: KeeperDeps): Keeper {
  const { clock, db, events, log, vault } = deps;
  /** By database: the rules it was last judged by. */
  const judged = new Map<string, string>();
  let cancelLook: (() => void) | undefined;
  let unsubscribe: (() => void) | undefined;
  let going = false;
  let again = false;

  function judgeQuietly(databaseId: string): boolean {
    const judging = judgingOf(db, databaseId);
    judged.set(databaseId, keyOf(judging));
    return judgeDatabase(db, { databaseId, judging, now: clock.now() });
  }

  function judge(databaseId: string): void {
    if (judgeQuietly(databaseId)) events.changed('snapshots');
  }

  /** Judges every database whose rules are others than before, in turns with other work. */
  async function judgeAll(): Promise<void> {
    const now = new Map(allJudging(db).map((judging) => [judging.databaseId, keyOf(judging)]));
    const before = new Map([...judgedBefore(db), ...judged.keys()].map((id) => [id, keyOf(undefined)]));
    let changed = false;
    for (const [databaseId, key] of new Map([...before, ...now])) {
      if (!cancelLook) return;
      if (judged.get(databaseId) === key) continue;
      changed = judgeQuietly(databaseId) || changed;
      await nextTurn();
    }
    if (changed) events.changed('snapshots');
  }

  async function catchUp(): Promise<void> {
    again = true;
    if (going) return;
    going = true;
    try {
      while (again && cancelLook) {
        again = false;
        await judgeAll();
      }
    } catch (err) {
      log.error({ err }, 'snapshots could not be judged by their policies');
    } finally {
      going = false;
    }
  }

  function look(): void {
    cancelLook = clock.after(LOOK_MS, look);
    try {
      afterLeap();
      const due = expiredSnapshots(db, clock.now(), AT_ONCE);
      // By what is true now, not by what was written down then.
      for (const databaseId of new Set(due.map((one) => one.databaseId))) judge(databaseId);
      for (const one of due) expire(one);
    } catch (err) {
      log.error({ err }, 'expired snapshots could not be deleted');
    }
  }

  /** Where time leapt, since a clock was set or nobody was there, nothing goes before people had a day to look. */
  function afterLeap(): void {
    const now = clock.now();
    const last = Number(readSetting(db, LAST_LOOK) ?? now);
    if (Math.abs(now - last) > LEAP_MS) {
      postponeExpiry(db, now + LEAP_MS);
      judged.clear();
      void catchUp();
    }
    if (Math.abs(now - last) > NOTE_MS || last === now) writeSetting(db, LAST_LOOK, String(now));
  }

  function expire({ databaseId, snapshotId }: { databaseId: string; snapshotId: string }): void {
    const { policyName } = judgingOf(db, databaseId) ?? {};
    const { expiresAt = null } = marksOf(db, [snapshotId]).get(snapshotId) ?? {};
    if (expiresAt === null || expiresAt > clock.now()) return;
    deleteOne(deps, { databaseId, snapshotId, policyName });
  }

  return {
    judge,
    start() {
      cancelLook = clock.after(LOOK_MS, look);
      unsubscribe = events.subscribe((event) => {
        if (event.event !== 'change') return;
        const { id, topic } = event.data;
        const snapshot = topic === 'snapshots' && id !== undefined ? vault.snapshot(id) : undefined;
        if (snapshot) judge(snapshot.databaseId);
        if (topic === 'policies') void catchUp();
      });
      void catchUp();
    },
    stop() {
      cancelLook?.();
      cancelLook = undefined;
      unsubscribe?.();
    },
  };
}

function keyOf(judging: { retention: string; schedule: string } | undefined): string {
  return judging === undefined ? '' : `${judging.retention} ${judging.schedule}`;
}

function deleteOne(
  { audit, db, events, log, vault }: KeeperDeps,
  what: { databaseId: string; snapshotId: string; policyName: string | undefined },
): void {
  const { databaseId, policyName, snapshotId } = what;
  const snapshot = vault.snapshot(snapshotId);
  if (!snapshot) return;
  try {
    vault.deleteSnapshot(snapshotId);
  } catch (error) {
    // In use, or locked by its store: it is tried again.
    if (!(error instanceof FailureError)) throw error;
    if (snapshot.lockedUntil !== null)
      putMark(db, { id: snapshotId, databaseId }, { expiresAt: snapshot.lockedUntil });
    log.debug({ snapshotId, failure: error.failure }, 'an expired snapshot stays for now');
    return;
  }
  removeMark(db, snapshotId);
  const database = databasesCalled(db, [databaseId])[0]?.name ?? '';
  const target = { kind: 'snapshot', id: snapshotId, name: `${database} #${snapshot.sequence}` };
  audit({ actor: SYSTEM, action: 'snapshot.expire', target, details: { policy: policyName ?? '' } });
  log.info(
    { snapshotId, databaseId, policy: policyName },
    'a snapshot was deleted that its policy does not keep',
  );
  events.changed('snapshots', snapshotId);
  events.changed('databases', databaseId);
}
