import { and, asc, desc, eq, isNull } from 'drizzle-orm';
import type { Inventory } from '../../protocol/messages.ts';
import type { Db } from './open.ts';
import { agents } from './schema/fleet.ts';

export type AgentRow = typeof agents.$inferSelect;

export function listAgents(db: Db): AgentRow[] {
  return db.select().from(agents).orderBy(asc(agents.name), asc(agents.id)).all();
}

/** For each request of somebody who sees a part of the fleet: inventories are large, and of no use for it. */
export function labelsOfAgents(db: Db): Pick<AgentRow, 'id' | 'labels'>[] {
  return db.select({ id: agents.id, labels: agents.labels }).from(agents).all();
}

export function findAgent(db: Db, id: string): AgentRow | undefined {
  return db.select().from(agents).where(eq(agents.id, id)).get();
}

export function findAgentByKey(db: Db, identityKey: string): AgentRow | undefined {
  return db.select().from(agents).where(eq(agents.identityKey, identityKey)).get();
}

export function insertAgent(
  db: Db,
  agent: Pick<AgentRow, 'id' | 'name' | 'identityKey' | 'sealingKey' | 'createdAt'> & {
    predecessorId?: string | null;
    labels?: string[];
  },
): void {
  db.insert(agents).values(agent).run();
}

/** The agent that took this one's place. */
export function successorOf(db: Db, id: string): AgentRow | undefined {
  const newest = desc(agents.createdAt);
  return db.select().from(agents).where(eq(agents.predecessorId, id)).orderBy(newest, desc(agents.id)).get();
}

export function changeAgent(db: Db, id: string, set: Pick<AgentRow, 'name' | 'labels'>): void {
  db.update(agents).set(set).where(eq(agents.id, id)).run();
}

/** @returns false where it was revoked already or does not exist */
export function revokeAgent(db: Db, id: string, now: number): boolean {
  const where = and(eq(agents.id, id), isNull(agents.revokedAt));
  return db.update(agents).set({ revokedAt: now }).where(where).run().changes > 0;
}

export function recordSeen(db: Db, id: string, now: number): void {
  db.update(agents).set({ lastSeenAt: now }).where(eq(agents.id, id)).run();
}

export function recordInventory(db: Db, id: string, inventory: Inventory): void {
  const set = { inventory: JSON.stringify(inventory), version: inventory.version };
  db.update(agents).set(set).where(eq(agents.id, id)).run();
}
