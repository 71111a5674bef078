import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { CloudUpload, ListChecks } from 'lucide-react';
import { useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { Database } from '../api/types.ts';
import { ProtectionBadge } from '../components/badge.tsx';
import { Button } from '../components/button.tsx';
import { ConfirmDialog } from '../components/confirm.tsx';
import { DayStrip } from '../components/day-strip.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { isActive, JobProgress } from '../components/job-progress.tsx';
import { AllJobsTable } from '../components/job-table.tsx';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { DrillCard } from './database-drills.tsx';
import { BackupFindings, SelectionCard } from './database-selection.tsx';
import { DatabaseScheduleCard } from './policy-choice.tsx';
import { SnapshotsCard } from './snapshot-list.tsx';

const route = getRouteApi('/app/databases/$databaseId');
const back = (
  <Link to="/databases" className="hover:text-ink">
    Databases
  </Link>
);

export function DatabasePage() {
  const { databaseId } = route.useParams();
  const database = useQuery(queries.database(databaseId));
  const [stopping, setStopping] = useState(false);
  const preflight = useMutation({ mutationFn: () => acts.preflightBackup(databaseId) });
  const backUp = useMutation({ mutationFn: () => acts.backUp(databaseId) });
  if (!database.data) {
    return (
      <Page title="Database" back={back}>
        <ErrorCard error={database.error} onRetry={() => void database.refetch()} />
        {database.isPending && <Skeleton />}
      </Page>
    );
  }
  const { data } = database;
  const running = data.lastJob && isActive(data.lastJob) ? data.lastJob : undefined;
  return (
    <Page
      title={data.name}
      back={back}
      badge={<ProtectionBadge status={data.status} />}
      lead={<Lead database={data} />}
      actions={
        data.protected && (
          <>
            <May to={['configure', 'delete']}>
              <Button onClick={() => setStopping(true)}>Stop protecting</Button>
            </May>
            <May to="operate">
              <Button busy={preflight.isPending} onClick={() => preflight.mutate()}>
                <ListChecks aria-hidden size={16} />
                Check
              </Button>
              <Button
                look="primary"
                busy={backUp.isPending}
                disabled={running !== undefined}
                onClick={() => backUp.mutate()}
              >
                <CloudUpload aria-hidden size={16} />
                Back up now
              </Button>
            </May>
          </>
        )
      }
    >
      <ErrorCard error={backUp.error} />
      <ErrorCard error={preflight.error} />
      {preflight.data && (
        <Card title="Check before a backup">
          <BackupFindings preflight={preflight.data} />
        </Card>
      )}
      {running && <RunningCard jobId={running.id} />}
      {!running && data.lastJob?.failure && (
        <FailureCard failure={data.lastJob.failure}>
          <Link
            to="/jobs/$jobId"
            params={{ jobId: data.lastJob.id }}
            className="font-medium text-accent underline"
          >
            The job that failed
          </Link>
        </FailureCard>
      )}
      <SnapshotsCard databaseId={databaseId} />
      <DrillCard database={data} />
      <DatabaseScheduleCard database={data} />
      <SelectionCard database={data} />
      <JobsCard databaseId={databaseId} />
      {stopping && <StopDialog database={data} onClose={() => setStopping(false)} />}
    </Page>
  );
}

function Lead({ database }: { database: Database }) {
  return (
    <>
      {database.statusReason} On server{' '}
      <Link
        to="/servers/$serverId"
        params={{ serverId: database.serverId }}
        className="rounded-sm text-accent underline"
      >
        {database.serverName}
      </Link>
      {database.agentState === 'online'
        ? '.'
        : `, whose agent ${database.agentName} is ${database.agentState}.`}
    </>
  );
}

function RunningCard({ jobId }: { jobId: string }) {
  const job = useQuery(queries.job(jobId));
  if (!job.data || !isActive(job.data)) return null;
  return (
    <Card
      title={job.data.kind === 'backup' ? 'Backing up' : 'Restoring'}
      actions={
        <Link to="/jobs/$jobId" params={{ jobId }} className="rounded-sm text-sm text-accent underline">
          Details
        </Link>
      }
    >
      <JobProgress job={job.data} />
    </Card>
  );
}

function JobsCard({ databaseId }: { databaseId: string }) {
  const history = useQuery(queries.databaseHistory(databaseId));
  const jobs = useQuery(queries.jobs({ databaseId }));
  return (
    <Card title="Jobs" flush>
      <ErrorCard error={jobs.error} onRetry={() => void jobs.refetch()} />
      {jobs.isPending && <Skeleton rows={2} />}
      {jobs.data?.total === 0 && <Empty title="No job yet" />}
      {history.data && history.data.length > 0 && (
        <div className="border-b border-line p-4">
          <DayStrip hours={history.data} />
        </div>
      )}
      {jobs.data && jobs.data.total > 0 && (
        <AllJobsTable filter={{ databaseId }} total={jobs.data.total} label="Jobs of this database" />
      )}
    </Card>
  );
}

function StopDialog({ database, onClose }: { database: Database; onClose: () => void }) {
  const navigate = useNavigate();
  const stop = useMutation({
    mutationFn: (typed: string) => acts.stopProtecting(database.id, typed),
    onSuccess: () => navigate({ to: '/databases' }),
  });
  return (
    <ConfirmDialog
      title={`Stop protecting ${database.name}`}
      name={database.name}
      act="Stop protecting"
      busy={stop.isPending}
      error={stop.error}
      onConfirm={(typed) => stop.mutate(typed)}
      onClose={onClose}
    >
      <p>No more backups of this database are made.</p>
      <p>Snapshots stay in the vault. The database itself is not touched.</p>
    </ConfirmDialog>
  );
}
