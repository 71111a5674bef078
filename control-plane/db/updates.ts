import { and, desc, eq, inArray } from 'drizzle-orm';
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
