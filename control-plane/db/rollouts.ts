import { and, desc, eq } from 'drizzle-orm';
import type { Db } from './open.ts';
import { rollouts } from './schema/rollouts.ts';

export type RolloutRow = typeof rollouts.$inferSelect;

export function insertRollout(db: Db, row: RolloutRow): void {
  db.insert(rollouts).values(row).run();
}

export function findRollout(db: Db, id: string): RolloutRow | undefined {
  return db.select().from(rollouts).where(eq(rollouts.id, id)).get();
}

export function latestRollout(db: Db): RolloutRow | undefined {
  return db.select().from(rollouts).orderBy(desc(rollouts.createdAt), desc(rollouts.id)).get();
}

export function runningRollout(db: Db): RolloutRow | undefined {
  return db.select().from(rollouts).where(eq(rollouts.state, 'running')).get();
}

/** Changes one that runs. @returns false where it does not */
export function changeRollout(
  db: Db,
  id: string,
  set: Partial<Pick<RolloutRow, 'state' | 'current' | 'skipped' | 'failure' | 'finishedAt'>>,
): boolean {
  const where = and(eq(rollouts.id, id), eq(rollouts.state, 'running'));
  return db.update(rollouts).set(set).where(where).run().changes > 0;
}
