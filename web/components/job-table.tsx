import { Link } from '@tanstack/react-router';
import { queries } from '../api/queries.ts';
import type { Job, JobFilter } from '../api/types.ts';
import { JobBadge } from './badge.tsx';
import { formatBytes, formatDuration, secondsBetween } from './format.ts';
import { isActive, JobProgress, jobTitle } from './job-progress.tsx';
import { PagedTable } from './paged-table.tsx';
import { type Column, RowTitle, Table } from './table.tsx';
import { Time } from './time.tsx';

function outcome(job: Job) {
  if (isActive(job)) {
    return (
      <div className="min-w-48">
        <JobProgress job={job} />
      </div>
    );
  }
  if (job.failure) return <span className="line-clamp-2 text-ink-2">{job.failure.message}</span>;
  if (job.result?.kind === 'backup') {
    return `${formatBytes(job.result.rawBytes)}, ${formatBytes(job.result.storedBytes)} uploaded`;
  }
  if (job.result?.kind === 'drill')
    return `${job.result.report.tables.rows.toLocaleString()} rows as in the backup`;
  if (job.result) return `${formatBytes(job.result.rawBytes)} restored`;
  return <span className="text-ink-3">–</span>;
}

const COLUMNS: Column<Job>[] = [
  {
    header: 'Job',
    cell: (job) => (
      <RowTitle
        note={
          <>
            {job.serverName} · <Time iso={job.createdAt} />
          </>
        }
      >
        <Link to="/jobs/$jobId" params={{ jobId: job.id }}>
          {jobTitle(job)}
        </Link>
      </RowTitle>
    ),
  },
  { header: 'State', cell: (job) => <JobBadge state={job.state} /> },
  { header: 'Outcome', show: 'wide', cell: outcome },
  {
    header: 'Took',
    show: 'wide',
    align: 'end',
    cell: (job) =>
      job.startedAt && job.finishedAt ? (
        formatDuration(secondsBetween(job.startedAt, job.finishedAt))
      ) : (
        <span className="text-ink-3">–</span>
      ),
  },
];

/** A few jobs, newest first. */
export function JobTable({ jobs, label }: { jobs: Job[]; label: string }) {
  return <Table label={label} rows={jobs} rowKey={(job) => job.id} columns={COLUMNS} />;
}

/** All jobs of a filter, newest first. */
export function AllJobsTable({ filter, label, total }: { filter: JobFilter; label: string; total: number }) {
  return (
    <PagedTable
      label={label}
      page={(offset) => queries.jobs(filter, offset)}
      total={total}
      rowKey={(job) => job.id}
      columns={COLUMNS}
    />
  );
}
