import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { JobDetail, JobState } from '../api/types.ts';
import { JobBadge } from '../components/badge.tsx';
import { Button, buttonClass } from '../components/button.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { isActive, JobProgress, jobTitle } from '../components/job-progress.tsx';
import { Card, Facts, Page, Skeleton } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { jobFacts, SnapshotLink } from './job-facts.tsx';
import { JobLog } from './job-log.tsx';
import { JobReport } from './job-report.tsx';

const route = getRouteApi('/app/jobs/$jobId');
const back = (
  <Link to="/jobs" className="hover:text-ink">
    Jobs
  </Link>
);

export function JobPage() {
  const { jobId } = route.useParams();
  const job = useQuery(queries.job(jobId));
  if (!job.data) {
    return (
      <Page title="Job" back={back}>
        <ErrorCard error={job.error} onRetry={() => void job.refetch()} />
        {job.isPending && <Skeleton />}
      </Page>
    );
  }
  const { data } = job;
  return (
    <Page
      title={jobTitle(data)}
      back={back}
      badge={<JobBadge state={data.state} />}
      actions={
        <May to={data.kind === 'restore' && !isActive(data) ? 'restore' : 'operate'}>
          <JobActs job={data} />
        </May>
      }
    >
      {isActive(data) && (
        <Card title="Progress">
          <JobProgress job={data} />
        </Card>
      )}
      {data.failure && (
        <FailureCard failure={data.failure}>
          {data.safetySnapshotId && (
            <SnapshotLink id={data.safetySnapshotId}>The safety snapshot taken before</SnapshotLink>
          )}
        </FailureCard>
      )}
      {data.result && <JobReport job={data} result={data.result} />}
      <Card title="Job">
        <Facts items={jobFacts(data)} />
      </Card>
      {data.attempts.length > 1 && <Attempts job={data} />}
      <JobLog lines={data.log} live={isActive(data)} />
    </Page>
  );
}

function JobActs({ job }: { job: JobDetail }) {
  const navigate = useNavigate();
  const cancel = useMutation({ mutationFn: () => acts.cancelJob(job.id) });
  const retry = useMutation({
    mutationFn: () => acts.retryJob(job.id),
    onSuccess: (next) => navigate({ to: '/jobs/$jobId', params: { jobId: next.id } }),
  });
  if (isActive(job)) {
    return (
      <>
        <ErrorCard error={cancel.error} />
        <Button busy={cancel.isPending || job.cancelRequested} onClick={() => cancel.mutate()}>
          {job.cancelRequested ? 'Cancelling' : 'Cancel'}
        </Button>
      </>
    );
  }
  if (job.state === 'succeeded') return null;
  // A restore is planned anew: what was checked then may have changed.
  if (job.kind === 'restore') {
    return job.snapshotId ? (
      <Link
        to="/snapshots/$snapshotId/restore"
        params={{ snapshotId: job.snapshotId }}
        className={buttonClass('primary')}
      >
        Plan it again
      </Link>
    ) : null;
  }
  // It was taken for one restore, which ended with it and takes another one when it is planned again.
  if (job.safetyForJobId) return null;
  return (
    <>
      <ErrorCard error={retry.error} />
      <Button look="primary" busy={retry.isPending} onClick={() => retry.mutate()}>
        Try again
      </Button>
    </>
  );
}

const ATTEMPT_STATES = {
  offered: 'Offered',
  running: 'Running',
  succeeded: 'Succeeded',
  failed: 'Failed',
  cancelled: 'Cancelled',
  lost: 'Lost',
  returned: 'Handed back',
} satisfies Partial<Record<JobState, string>> & Record<string, string>;

function attemptState(state: string): string {
  return ATTEMPT_STATES[state as keyof typeof ATTEMPT_STATES] ?? state;
}

function Attempts({ job }: { job: JobDetail }) {
  return (
    <Card title="Attempts" flush>
      <Table
        label="Attempts"
        rows={job.attempts}
        rowKey={(attempt) => String(attempt.attempt)}
        columns={[
          {
            header: 'Attempt',
            cell: (attempt) => (
              <RowTitle note={<Time iso={attempt.startedAt} mode="local" />}>{attempt.attempt}</RowTitle>
            ),
          },
          { header: 'State', cell: (attempt) => attemptState(attempt.state) },
          {
            header: 'Why it ended',
            show: 'wide',
            cell: (attempt) => attempt.failure?.message ?? <span className="text-ink-3">–</span>,
          },
        ]}
      />
    </Card>
  );
}
