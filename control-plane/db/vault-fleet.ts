import { and, eq, inArray, isNotNull, isNull, or } from 'drizzle-orm';
import type { JobKind } from '../../protocol/job.ts';
import { revokeAgent } from './agents.ts';
import type { Db } from './open.ts';
import { agents, databases, jobs, servers } from './schema/fleet.ts';
import { moveServers } from './servers.ts';

/** What the vault needs to know of the fleet: who owns a server, whose keys an agent has. */
export function vaultFleetQueries(db: Db) {
  return {
    server(id: string) {
      return db
        .select({ id: servers.id, agentId: servers.agentId, name: servers.name, engine: servers.engine })
        .from(servers)
        .where(eq(servers.id, id))
        .get();
    },

    agent(id: string) {
      const { name, identityKey, predecessorId, sealingKey } = agents;
      return db
        .select({ id: agents.id, name, identityKey, sealingKey, predecessorId })
        .from(agents)
        .where(eq(agents.id, id))
        .get();
    },

    /** Servers that live backups of an agent are of. */
    backingUp(agentId: string, vaultId: string): ReadonlySet<string> {
      const rows = db
        .select({ serverId: jobs.serverId })
        .from(jobs)
        .where(live('backup', agentId, vaultId))
        .all();
      return new Set(rows.map(({ serverId }) => serverId));
    },

    /** Snapshots that live restores and drills of an agent read. */
    restoring(agentId: string, vaultId: string): { jobId: string; snapshotId: string }[] {
      return db
        .select({ jobId: jobs.id, snapshotId: jobs.snapshotId })
        .from(jobs)
        .where(or(live('restore', agentId, vaultId), live('drill', agentId, vaultId)))
        .all();
    },

    /** Jobs that have not ended, of all agents. */
    openJobs(): Pick<typeof jobs.$inferSelect, 'id' | 'kind' | 'serverId' | 'snapshotId' | 'createdAt'>[] {
      const { createdAt, id, kind, serverId, snapshotId, state } = jobs;
      return db
        .select({ id, kind, serverId, snapshotId, createdAt })
        .from(jobs)
        .where(inArray(state, ['queued', 'offered', 'running']))
        .all();
    },

    /** Id of each agent that took another one's place, by the id of that one. */
    successors(): ReadonlyMap<string, string> {
      const rows = db
        .select({ id: agents.id, predecessorId: agents.predecessorId })
        .from(agents)
        .where(isNotNull(agents.predecessorId))
        .orderBy(agents.createdAt, agents.id)
        .all();
      return new Map(rows.map(({ id, predecessorId }) => [String(predecessorId), id]));
    },

    /** Ends what an agent still has here whose place another one has; for an index older than the succession. */
    settle(change: { of: string; by: string; now: number }): void {
      moveServers(db, change);
      revokeAgent(db, change.of, change.now);
    },

    /** Adds what a rebuild found in the store, where it is not known; nothing known is changed. */
    addAgent(row: typeof agents.$inferInsert): boolean {
      return db.insert(agents).values(row).onConflictDoNothing().run().changes > 0;
    },
    addServer(row: typeof servers.$inferInsert): boolean {
      return db.insert(servers).values(row).onConflictDoNothing().run().changes > 0;
    },
    /** One known from safety snapshots alone becomes protected with a snapshot of another kind. */
    addDatabase(row: typeof databases.$inferInsert): void {
      db.insert(databases).values(row).onConflictDoNothing().run();
      if (!row.protectedAt) return;
      const undecided = and(isNull(databases.protectedAt), isNull(databases.stoppedAt));
      const { protectedAt } = row;
      db.update(databases)
        .set({ protectedAt })
        .where(and(eq(databases.id, row.id), undecided))
        .run();
    },
  };
}

/** Jobs that an agent holds: their lease is armed. They are few, and found by the index on their state. */
function live(kind: JobKind, agentId: string, vaultId: string) {
  return and(
    inArray(jobs.state, ['offered', 'running']),
    eq(jobs.agentId, agentId),
    eq(jobs.vaultId, vaultId),
    eq(jobs.kind, kind),
  );
}

export type VaultFleetQueries = ReturnType<typeof vaultFleetQueries>;
