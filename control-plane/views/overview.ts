import type { Reach } from '../auth/reach.ts';
import { listAgents } from '../db/agents.ts';
import { listDatabases } from '../db/databases.ts';
import { listJobs, OPEN_STATES } from '../db/jobs.ts';
import type { AppDeps } from '../deps.ts';
import { type DatabaseView, searchDatabases } from './databases.ts';
import { jobView } from './jobs.ts';
import { ofDatabases } from './snapshots.ts';

type Deps = Pick<AppDeps, 'db' | 'registry' | 'vault' | 'progress'>;

const MAX_JOBS = 100;
const RECENT_JOBS = 10;

/** The first page: is everything within reach backed up, and what needs a person? */
export function overview(deps: Deps, reach: Reach) {
  const { db, registry, vault } = deps;
  const databases = searchDatabases(deps, {}, reach).filter((one) => one.protected);
  const counted = (status: DatabaseView['status']) => databases.filter((one) => one.status === status).length;
  const agents = listAgents(db).filter(({ id, revokedAt }) => revokedAt === null && reach.has(id));
  const snapshots = ofDatabases(vault.listSnapshots({}), listDatabases(db), reach);
  const jobs = (states: Parameters<typeof listJobs>[1]['states'], limit: number) =>
    listJobs(db, { states, limit, agentIds: reach.agentIds }).map((job) => jobView(deps, job));
  return {
    databases: {
      total: databases.length,
      protected: counted('protected'),
      atRisk: counted('at-risk'),
      unprotected: counted('unprotected'),
    },
    attention: databases
      .filter((one) => one.status !== 'protected')
      .map((one) => ({
        databaseId: one.id,
        name: one.name,
        serverName: one.serverName,
        reason: one.statusReason,
        since: one.statusSince,
      })),
    agents: { total: agents.length, online: agents.filter(({ id }) => registry.isOnline(id)).length },
    storage: {
      rawBytes: snapshots.reduce((sum, { rawBytes }) => sum + rawBytes, 0),
      storedBytes:
        reach.agentIds === null
          ? vault.vaults().reduce((sum, one) => sum + one.storedBytes, 0)
          : snapshots.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
      snapshots: snapshots.length,
    },
    activeJobs: jobs(OPEN_STATES, MAX_JOBS),
    recentJobs: jobs(['succeeded', 'failed', 'cancelled', 'lost'], RECENT_JOBS),
  };
}
