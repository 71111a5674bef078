import { JOB_KINDS, type JobKind, type JobState } from '../../protocol/job.ts';
import { DURATION_BOUNDS, type JobTotals, jobTotalsOf } from '../db/job-totals.ts';
import { OPEN_STATES } from '../db/jobs.ts';
import { openCounts } from '../db/measures.ts';
import type { Db } from '../db/open.ts';
import type { Family, Sample } from './exposition.ts';

const ENDS = ['succeeded', 'failed', 'cancelled', 'lost'] as const satisfies JobState[];

/** Jobs: those that ended, since counting began, and those that wait or run. @param now ms since the epoch */
export function jobFamilies(db: Db, now: number): Family[] {
  const totals = JOB_KINDS.flatMap((kind) => ENDS.map((state) => ({ kind, state })));
  const known = jobTotalsOf(db);
  const filled = totals.map(
    (one) => known.find((k) => k.kind === one.kind && k.state === one.state) ?? none(one),
  );
  return [
    {
      name: 'homeport_jobs_ended_total',
      type: 'counter',
      help: 'Jobs that ended, by how.',
      samples: filled.map(({ jobs, ...job }) => ({ labels: labelsOf(job), value: jobs })),
    },
    {
      name: 'homeport_job_duration_seconds',
      type: 'histogram',
      help: 'How long jobs took from the start of their first attempt to their end.',
      samples: filled.filter(({ state }) => state !== 'cancelled').flatMap(durations),
    },
    ...byteFamilies(filled),
    ...openFamilies(db, now),
  ];
}

function byteFamilies(totals: JobTotals[]): Family[] {
  const done = (kind: JobKind) => totals.filter((one) => one.kind === kind && one.state === 'succeeded');
  const counter = (name: string, help: string, samples: Sample[]): Family => ({
    ...{ name, help, samples, type: 'counter' },
  });
  const backups = done('backup');
  const of = (column: 'rawBytes' | 'storedBytes' | 'reusedBytes') =>
    backups.map((one) => ({ value: one[column] }));
  return [
    counter('homeport_backup_raw_bytes_total', 'Bytes that good backups read of dumps.', of('rawBytes')),
    counter(
      'homeport_backup_stored_bytes_total',
      'Bytes that good backups uploaded, compressed and sealed.',
      of('storedBytes'),
    ),
    counter(
      'homeport_backup_reused_bytes_total',
      'Bytes of dumps that good backups found in the vault already.',
      of('reusedBytes'),
    ),
    counter(
      'homeport_restore_raw_bytes_total',
      'Bytes of dumps that good restores put back.',
      done('restore').map(({ rawBytes }) => ({ value: rawBytes })),
    ),
  ];
}

function openFamilies(db: Db, now: number): Family[] {
  const open = openCounts(db);
  const samples = JOB_KINDS.flatMap((kind) =>
    OPEN_STATES.map((state) => ({
      labels: { kind, state },
      value: open.find((one) => one.kind === kind && one.state === state)?.jobs ?? 0,
    })),
  );
  const waiting = open.filter(({ state }) => state === 'queued').map(({ oldestAt }) => oldestAt);
  const oldest = waiting.length > 0 ? Math.max(0, now - Math.min(...waiting)) / 1000 : 0;
  return [
    { name: 'homeport_jobs', type: 'gauge', help: 'Jobs that wait or run.', samples },
    {
      name: 'homeport_job_queue_oldest_seconds',
      type: 'gauge',
      help: 'How long the oldest queued job has been waiting; 0 where none waits.',
      samples: [{ value: oldest }],
    },
  ];
}

function none(about: { kind: JobKind; state: JobState }): JobTotals {
  return {
    ...about,
    ...{ jobs: 0, ran: 0, seconds: 0, rawBytes: 0, storedBytes: 0, reusedBytes: 0 },
    durations: new Map(),
  };
}

function labelsOf({ kind, state }: Pick<JobTotals, 'kind' | 'state'>) {
  return { kind, state };
}

function durations(total: JobTotals): Sample[] {
  const labels = labelsOf(total);
  let below = 0;
  const buckets = DURATION_BOUNDS.map((bound) => {
    below += total.durations.get(bound) ?? 0;
    return { suffix: '_bucket', labels: { ...labels, le: String(bound) }, value: below };
  });
  return [
    ...buckets,
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: total.ran },
    { suffix: '_sum', labels, value: total.seconds },
    { suffix: '_count', labels, value: total.ran },
  ];
}
