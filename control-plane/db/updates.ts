import { and, desc, eq, gt, inArray, notExists, or } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import type { Db } from './open.ts';
import { agentUpdates } from './schema/updates.ts';

export type UpdateRow = typeof agentUpdates.$inferSelect;

/** States in which an update may still become anything. */
const OPEN = ['fetching', 'applying'] as const;

export function insertUpdate(db: Db, row: UpdateRow): void {
  db.insert(agentUpdates).values(row).run();
}

export function findUpdate(db: Db, id: string): UpdateRow | undefined {
  return db.select().from(agentUpdates).where(eq(agentUpdates.id, id)).get();
}

/** The newest of an agent. */
export function latestUpdate(db: Db, agentId: string): UpdateRow | undefined {
  const newest = [desc(agentUpdates.createdAt), desc(agentUpdates.id)];
  return db
    .select()
    .from(agentUpdates)
    .where(eq(agentUpdates.agentId, agentId))
    .orderBy(...newest)
    .get();
}

/** The newest of each agent that ever had one, by the agents' ids. */
export function latestUpdates(db: Db): Map<string, UpdateRow> {
  const newer = alias(agentUpdates, 'newer');
  const after = or(
    gt(newer.createdAt, agentUpdates.createdAt),
    and(eq(newer.createdAt, agentUpdates.createdAt), gt(newer.id, agentUpdates.id)),
  );
  const superseded = db
    .select({ id: newer.id })
    .from(newer)
    .where(and(eq(newer.agentId, agentUpdates.agentId), after));
  const rows = db.select().from(agentUpdates).where(notExists(superseded)).all();
  return new Map(rows.map((row) => [row.agentId, row]));
}

/** All that have not ended. */
export function openUpdates(db: Db): UpdateRow[] {
  return db.select().from(agentUpdates).where(inArray(agentUpdates.state, OPEN)).all();
}

/** Changes one that has not ended. @returns false where it has */
export function changeUpdate(
  db: Db,
  id: string,
  set: Partial<Pick<UpdateRow, 'state' | 'failure' | 'finishedAt'>>,
): boolean {
  const where = and(eq(agentUpdates.id, id), inArray(agentUpdates.state, OPEN));
  return db.update(agentUpdates).set(set).where(where).run().changes > 0;
}
