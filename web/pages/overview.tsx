import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ShieldAlert, ShieldCheck } from 'lucide-react';
import { queries } from '../api/queries.ts';
import type { Overview } from '../api/types.ts';
import { buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { count } from '../components/format.ts';
import { JobProgress, jobTitle } from '../components/job-progress.tsx';
import { JobTable } from '../components/job-table.tsx';
import { Card, Page, Skeleton } from '../components/layout.tsx';
import { May, useMay } from '../components/may.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { FirstSteps, hasFirstSteps } from './first-steps.tsx';
import { OverviewFigures } from './overview-figures.tsx';
import { SelfBackupWarning } from './self-backup.tsx';

export function OverviewPage() {
  const overview = useQuery(queries.overview());
  const servers = useQuery(queries.servers());
  const may = useMay();
  // Who cannot do the first steps is not asked to.
  const beginning = may('configure', 'fleet', 'own');
  const vaults = useQuery({ ...queries.vaults(), enabled: beginning });
  const { data } = overview;
  return (
    <Page title="Overview">
      <ErrorCard error={overview.error} onRetry={() => void overview.refetch()} />
      {overview.isPending && <Skeleton rows={6} />}
      {data && (
        <>
          {data.databases.total > 0 && <Verdict overview={data} />}
          <May to="own">
            <SelfBackupWarning />
          </May>
          {data.databases.total === 0 && data.storage.snapshots > 0 && <NothingProtected overview={data} />}
          {beginning && servers.data && vaults.data && hasFirstSteps(data, vaults.data) && (
            <FirstSteps overview={data} servers={servers.data.rows} vaults={vaults.data} />
          )}
          {data.attention.length > 0 && <Attention overview={data} />}
          {data.activeJobs.length > 0 && <ActiveJobs jobs={data.activeJobs} />}
          {data.databases.total + data.storage.snapshots > 0 && <OverviewFigures overview={data} />}
          {data.recentJobs.length > 0 && (
            <Card title="Recent jobs" flush>
              <JobTable jobs={data.recentJobs} label="Recent jobs" />
            </Card>
          )}
        </>
      )}
    </Page>
  );
}

function Verdict({ overview }: { overview: Overview }) {
  const { total, atRisk, unprotected } = overview.databases;
  const good = atRisk + unprotected === 0;
  const away = overview.agents.total - overview.agents.online;
  const parts = [
    atRisk > 0 && `${count(atRisk, 'database')} at risk`,
    unprotected > 0 && `${count(unprotected, 'database')} without a backup`,
  ].filter(Boolean);
  const Icon = good ? ShieldCheck : ShieldAlert;
  return (
    <section
      aria-label="Protection"
      className={`flex items-center gap-4 rounded-card border p-5 ${good ? 'border-ok/40 bg-ok-soft' : 'border-warn/40 bg-warn-soft'}`}
    >
      <Icon aria-hidden size={32} className={`shrink-0 ${good ? 'text-ok' : 'text-warn'}`} />
      <div>
        <p className="text-lg font-semibold">
          {good
            ? total === 1
              ? 'Your database is protected.'
              : `All ${count(total, 'database')} are protected.`
            : `${parts.join(', ')}.`}
        </p>
        <p className="text-ink-2">
          {good
            ? total === 1
              ? 'It has a snapshot and its last backup succeeded.'
              : 'Each has a snapshot and its last backup succeeded.'
            : `${overview.databases.protected} of ${count(total, 'database')} protected. What to do is listed below.`}
        </p>
        <Drills drills={overview.drills} />
        {away > 0 && (
          <p className="text-ink-2">
            {`${count(away, 'agent')} ${away === 1 ? 'is' : 'are'} out of reach: no backup can run there. `}
            <Link to="/agents" className="rounded-sm text-accent underline">
              See which
            </Link>
          </p>
        )}
      </div>
    </section>
  );
}

/** A backup that was never restored is a hope. */
function Drills({ drills: { never } }: Pick<Overview, 'drills'>) {
  if (never === 0) return null;
  return (
    <p className="text-ink-2">
      {`${count(never, 'database')} ${never === 1 ? 'was' : 'were'} never drilled: nobody has tried whether ${never === 1 ? 'its backup' : 'their backups'} can be restored. `}
      <Link to="/policies" className="rounded-sm text-accent underline">
        Have a policy do it
      </Link>
    </p>
  );
}

/** There was something once; a page that shows only old jobs would look as if all were well. */
function NothingProtected({ overview }: { overview: Overview }) {
  return (
    <section
      aria-label="Protection"
      className="flex flex-wrap items-center gap-4 rounded-card border border-warn/40 bg-warn-soft p-5"
    >
      <ShieldAlert aria-hidden size={32} className="shrink-0 text-warn" />
      <div className="min-w-0 flex-1 basis-56">
        <p className="text-lg font-semibold">Nothing is backed up any more.</p>
        <p className="text-ink-2">
          {`${count(overview.storage.snapshots, 'snapshot')} can still be restored and downloaded. `}
          Choose databases on a server to protect them again.
        </p>
      </div>
      <Link to="/databases" className={buttonClass()}>
        See what is kept
      </Link>
    </section>
  );
}

function Attention({ overview: { attention, databases } }: { overview: Overview }) {
  const others = databases.atRisk + databases.unprotected - attention.length;
  return (
    <Card title="Needs attention" flush>
      <Table
        label="Databases that need attention"
        rows={attention}
        rowKey={(row) => row.databaseId}
        columns={[
          {
            header: 'Database',
            cell: (row) => (
              <RowTitle
                note={
                  <>
                    {row.serverName}
                    <span className="mt-1 block text-ink-2 lg:hidden">{row.reason}</span>
                  </>
                }
              >
                <Link to="/databases/$databaseId" params={{ databaseId: row.databaseId }}>
                  {row.name}
                </Link>
              </RowTitle>
            ),
          },
          { header: 'Why', show: 'wide', cell: (row) => row.reason },
          { header: 'Since', show: 'wide', cell: (row) => (row.since ? <Time iso={row.since} /> : '–') },
        ]}
      />
      {others > 0 && (
        <p className="border-t border-line px-4 py-2.5 text-sm text-ink-2">
          {`And ${count(others, 'more database')}. `}
          <Link to="/databases" search={{ order: 'urgency' }} className="rounded-sm text-accent underline">
            See all of them
          </Link>
        </p>
      )}
    </Card>
  );
}

function ActiveJobs({ jobs }: { jobs: Overview['activeJobs'] }) {
  return (
    <Card title="Running now">
      <ul className="grid gap-5">
        {jobs.map((job) => (
          <li key={job.id} className="grid gap-2">
            <div className="flex flex-wrap justify-between gap-x-4">
              <Link
                to="/jobs/$jobId"
                params={{ jobId: job.id }}
                className="rounded-sm font-medium hover:text-accent hover:underline"
              >
                {jobTitle(job)}
              </Link>
              <span className="text-sm text-ink-3">{job.serverName}</span>
            </div>
            <JobProgress job={job} />
          </li>
        ))}
      </ul>
    </Card>
  );
}
