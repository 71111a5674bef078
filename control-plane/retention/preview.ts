import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Reach } from '../auth/reach.ts';
import { databasesCalled } from '../db/databases.ts';
import type { Db } from '../db/open.ts';
import { listChoices, listPolicies, placedDatabases } from '../db/policies.ts';
import { type MarkedSnapshot, markedSnapshots } from '../db/snapshot-marks.ts';
import { createResolver, type Reaching } from '../policies/effective.ts';
import { verdictOf } from './judge.ts';

/** Snapshots that are told one by one. */
const TOLD = 100;

/** What a policy would do to the snapshots that there are, were it saved like this. */
export interface RetentionPreview {
  databases: number;
  snapshots: number;
  /** How many it would delete, once the days of grace are over. */
  deletes: number;
  /** The first hundred of them, database by database, newest first. */
  deleted: { id: string; databaseName: string; sequence: number; createdAt: number }[];
}

/** A policy as it would be saved. */
export interface PolicyDraft extends Reaching {
  /** JSON of `Retention` and of `Schedule`. */
  retention: string;
  schedule: string;
}

/** Of databases within reach. */
export async function previewRetention(
  db: Db,
  draft: PolicyDraft,
  { now, reach }: { now: number; reach: Reach },
): Promise<RetentionPreview> {
  const others = listPolicies(db)
    .filter(({ id }) => id !== draft.id)
    .map((one) => (draft.everywhere ? { ...one, everywhere: false } : one));
  const resolve = createResolver([draft, ...others], listChoices(db));
  const preview: RetentionPreview = { databases: 0, snapshots: 0, deletes: 0, deleted: [] };
  for (const database of placedDatabases(db)) {
    if (!reach.has(database.agentId) || resolve(database)?.policyId !== draft.id) continue;
    const snapshots = markedSnapshots(db, database.id);
    const { reasons } = verdictOf(snapshots, draft, now);
    const going = snapshots.filter(({ id }) => reasons.get(id)?.length === 0);
    preview.databases += 1;
    preview.snapshots += snapshots.length;
    preview.deletes += going.length;
    preview.deleted.push(...told(db, database.id, going).slice(0, TOLD - preview.deleted.length));
    await nextTurn();
  }
  return preview;
}

function told(db: Db, databaseId: string, going: MarkedSnapshot[]): RetentionPreview['deleted'] {
  if (going.length === 0) return [];
  const databaseName = databasesCalled(db, [databaseId])[0]?.name ?? '';
  return going
    .toSorted((a, b) => b.sequence - a.sequence)
    .map(({ createdAt, id, sequence }) => ({ id, databaseName, sequence, createdAt }));
}
