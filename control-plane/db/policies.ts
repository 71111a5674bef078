import { and, asc, eq, isNotNull, isNull } from 'drizzle-orm';
import type { Choice, Placed } from '../policies/effective.ts';
import type { Db } from './open.ts';
import { among } from './pages.ts';
import { agents, databases, servers } from './schema/fleet.ts';
import { policies, policyChoices } from './schema/policies.ts';

export type PolicyRow = typeof policies.$inferSelect;

/** By name. */
export function listPolicies(db: Db): PolicyRow[] {
  return db.select().from(policies).orderBy(asc(policies.name), asc(policies.id)).all();
}

export function findPolicy(db: Db, id: string): PolicyRow | undefined {
  return db.select().from(policies).where(eq(policies.id, id)).get();
}

export function findPolicyByName(db: Db, name: string): PolicyRow | undefined {
  return db.select().from(policies).where(eq(policies.name, name)).get();
}

/** Adds one, or changes the one with this id. One that is for everything takes that from the one that was. */
export function putPolicy(db: Db, row: PolicyRow): void {
  const { createdAt, id, ...set } = row;
  db.transaction(() => {
    if (row.everywhere) db.update(policies).set({ everywhere: false }).run();
    db.insert(policies).values(row).onConflictDoUpdate({ target: policies.id, set }).run();
  });
}

/** Removes one; what was chosen with it is decided further away again. */
export function removePolicy(db: Db, id: string): void {
  db.delete(policies).where(eq(policies.id, id)).run();
}

export function listChoices(db: Db): Choice[] {
  return db.select().from(policyChoices).all();
}

type Chosen = Pick<Choice, 'kind' | 'targetId'>;

const which = ({ kind, targetId }: Chosen) =>
  and(eq(policyChoices.kind, kind), eq(policyChoices.targetId, targetId));

/** What was chosen by itself for some things of one kind, by their ids. */
export function choicesOf(db: Db, kind: Choice['kind'], ids: readonly string[]): Map<string, Choice> {
  const where = and(eq(policyChoices.kind, kind), among(policyChoices.targetId, ids));
  const rows = db.select().from(policyChoices).where(where).all();
  return new Map(rows.map((choice) => [choice.targetId, choice]));
}

export function putChoice(db: Db, choice: Choice): void {
  const { kind, policyId, targetId } = choice;
  db.insert(policyChoices)
    .values({ kind, targetId, policyId })
    .onConflictDoUpdate({ target: [policyChoices.kind, policyChoices.targetId], set: { policyId } })
    .run();
}

export function removeChoice(db: Db, chosen: Chosen): void {
  db.delete(policyChoices).where(which(chosen)).run();
}

/** Every database that can be backed up by itself, and what it belongs to. */
export function placedDatabases(db: Db): Placed[] {
  return db
    .select({
      ...{ id: databases.id, serverId: databases.serverId, agentId: servers.agentId, labels: agents.labels },
    })
    .from(databases)
    .innerJoin(servers, eq(servers.id, databases.serverId))
    .innerJoin(agents, eq(agents.id, servers.agentId))
    .where(
      and(
        isNotNull(databases.protectedAt),
        isNull(servers.removedAt),
        isNull(servers.awaitsCredentialsSince),
        isNull(agents.revokedAt),
      ),
    )
    .all();
}
