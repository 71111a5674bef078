import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { RestoreMode } from '../../protocol/engines/engine.ts';
import type { Job, JobDetail } from '../api/types.ts';
import { formatDuration, secondsBetween } from '../components/format.ts';
import { isActive } from '../components/job-progress.tsx';
import { Time } from '../components/time.tsx';

type Fact = [string, ReactNode];

const HOW = {
  new: 'As a new database',
  swap: 'In exchange for what is there',
  'in-place': 'In the place of what is in it',
} satisfies Record<RestoreMode, string>;

const link = 'rounded-sm text-accent underline';

export function SnapshotLink({ id, children }: { id: string; children: ReactNode }) {
  return (
    <Link to="/snapshots/$snapshotId" params={{ snapshotId: id }} className={link}>
      {children}
    </Link>
  );
}

function JobLink({ id, children }: { id: string; children: ReactNode }) {
  return (
    <Link to="/jobs/$jobId" params={{ jobId: id }} className={link}>
      {children}
    </Link>
  );
}

/** What a job is about, who wanted it, how long it took. */
export function jobFacts(job: JobDetail): Fact[] {
  const facts: Fact[] = [
    [
      'Database',
      <Link
        key="database"
        to="/databases/$databaseId"
        params={{ databaseId: job.databaseId }}
        className={link}
      >
        {job.databaseName}
      </Link>,
    ],
    ['Server', `${job.serverName}, through agent ${job.agentName}`],
    ...planFacts(job),
    ...safetyFacts(job),
    ['Asked for by', job.requestedBy],
    ['Created', <Time key="created" iso={job.createdAt} mode="local" />],
  ];
  if (job.startedAt) facts.push(['Started', <Time key="started" iso={job.startedAt} mode="local" />]);
  if (job.startedAt && job.finishedAt) {
    facts.push(['Took', formatDuration(secondsBetween(job.startedAt, job.finishedAt))]);
  }
  if (job.maxAttempts > 1) facts.push(['Attempt', `${Math.max(1, job.attempt)} of ${job.maxAttempts}`]);
  return facts;
}

/** Which snapshot goes where, as whom, for a restore. */
function planFacts(job: Job): Fact[] {
  const { oneTimeAccount, plan, snapshotId } = job;
  if (!plan || !snapshotId) return [];
  const facts: Fact[] = [
    [
      'Snapshot',
      <SnapshotLink key="snapshot" id={snapshotId}>
        Open the snapshot
      </SnapshotLink>,
    ],
    ['Target database', plan.targetDatabase],
    ['How', HOW[plan.mode]],
  ];
  if (oneTimeAccount) {
    const fate = isActive(job) ? 'which is forgotten afterwards' : 'which is forgotten';
    facts.push(['Account', `One given for this restore alone, ${fate}`]);
  }
  return facts;
}

/** The snapshot before the restore, seen from either of the two jobs. */
function safetyFacts(job: Job): Fact[] {
  const { safetyForJobId, safetyJobId, safetySnapshotId } = job;
  if (safetyForJobId) {
    return [
      [
        'Taken before',
        <JobLink key="restore" id={safetyForJobId}>
          A restore in its place
        </JobLink>,
      ],
    ];
  }
  if (!safetyJobId) return [];
  return [
    [
      'Safety snapshot',
      safetySnapshotId ? (
        <SnapshotLink key="safety" id={safetySnapshotId}>
          What was there before
        </SnapshotLink>
      ) : (
        <JobLink key="safety" id={safetyJobId}>
          {isActive(job) ? 'The backup it waits for' : 'The backup it waited for'}
        </JobLink>
      ),
    ],
  ];
}
