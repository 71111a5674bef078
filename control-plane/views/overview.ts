import type { JobState } from '../../protocol/job.ts';
import type { Reach } from '../auth/reach.ts';
import { liveAgentIds } from '../db/agent-list.ts';
import { CONDITIONS, countByCondition, snapshotTotals, someDatabases } from '../db/database-list.ts';
import { drillCounts } from '../db/drills.ts';
import { someJobs } from '../db/job-list.ts';
import { OPEN_STATES } from '../db/jobs.ts';
import type { AppDeps } from '../deps.ts';
import { type DatabaseStatus, TOLD } from './databases.ts';
import { jobView } from './jobs.ts';
import { iso } from './times.ts';

type Deps = Pick<AppDeps, 'db' | 'registry' | 'vault' | 'progress'>;

/** Those that need attention and are named; how many there are is in the numbers beside them. */
const MAX_ATTENTION = 100;
const MAX_JOBS = 100;
const RECENT_JOBS = 10;

/** What is not protected at all is nobody's concern here. */
const PROTECTED = CONDITIONS.filter((condition) => condition !== 'not-protected');
const NEEDY = PROTECTED.filter((condition) => condition !== 'good');

/** The first page: is everything within reach backed up, and what needs a person? */
export function overview(deps: Deps, { agentIds }: Reach) {
  const { db, registry, vault } = deps;
  const counts = countByCondition(db, { conditions: PROTECTED, agentIds });
  const counted = (status?: DatabaseStatus) =>
    [...counts].reduce((all, [one, n]) => all + (!status || TOLD[one].status === status ? n : 0), 0);
  const agents = liveAgentIds(db, agentIds);
  const { rawBytes, snapshots, storedBytes } = snapshotTotals(db, agentIds);
  const jobs = (states: readonly JobState[], limit: number) => {
    const page = { limit, offset: 0, many: !states.includes('running') };
    return someJobs(db, { states, agentIds }, page).map((job) => jobView(deps, job));
  };
  return {
    databases: {
      total: counted(),
      protected: counted('protected'),
      atRisk: counted('at-risk'),
      unprotected: counted('unprotected'),
    },
    /** Protected databases with a snapshot: never drilled to the end, and failed the last time. */
    drills: drillCounts(db, agentIds),
    attention: needy(deps, agentIds),
    agents: { total: agents.length, online: agents.filter((id) => registry.isOnline(id)).length },
    storage: {
      rawBytes,
      storedBytes: agentIds === null ? vault.storedBytes() : storedBytes,
      snapshots,
    },
    activeJobs: jobs(OPEN_STATES, MAX_JOBS),
    recentJobs: jobs(['succeeded', 'failed', 'cancelled', 'lost'], RECENT_JOBS),
  };
}

/** The first of those that need attention, by name. */
function needy({ db }: Deps, agentIds: Reach['agentIds']) {
  const page = { limit: MAX_ATTENTION, offset: 0, order: 'name' } as const;
  return someDatabases(db, { conditions: NEEDY, agentIds }, page).map((one) => ({
    databaseId: one.id,
    name: one.name,
    serverName: one.serverName,
    reason: TOLD[one.condition].reason,
    since: iso(one.since),
  }));
}
