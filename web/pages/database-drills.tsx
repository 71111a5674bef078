import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { FlaskConical } from 'lucide-react';
import { useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { Database } from '../api/types.ts';
import { DrillBadge } from '../components/badge.tsx';
import { Button } from '../components/button.tsx';
import { DrillReportView } from '../components/drill-report.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { count } from '../components/format.ts';
import { isActive, JobProgress } from '../components/job-progress.tsx';
import { Card } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { Time } from '../components/time.tsx';
import { AssertionsDialog } from './drill-assertions.tsx';

/** Whether the newest snapshot was ever tried out, what came of it, and when it is again. */
export function DrillCard({ database }: { database: Database }) {
  const { drill, id, snapshotCount } = database;
  const [asking, setAsking] = useState(false);
  const begin = useMutation({ mutationFn: () => acts.drill(id) });
  const assertions = useQuery(queries.assertions(id));
  const asked = assertions.data?.assertions.length ?? 0;
  return (
    <Card
      title="Drills"
      label="Drills"
      actions={
        <div className="flex flex-wrap gap-2">
          <May to="configure">
            <Button size="small" disabled={!assertions.data} onClick={() => setAsking(true)}>
              Assertions
            </Button>
          </May>
          <May to="operate">
            <Button
              size="small"
              busy={begin.isPending}
              disabled={snapshotCount === 0 || drill.openJobId !== null}
              onClick={() => begin.mutate()}
            >
              <FlaskConical aria-hidden size={14} />
              Drill now
            </Button>
          </May>
        </div>
      }
    >
      <div className="grid gap-4">
        <ErrorCard error={begin.error} />
        {drill.openJobId !== null && <OpenDrill jobId={drill.openJobId} />}
        <Verdict database={database} />
        <p className="text-sm text-ink-2">
          {drill.everyDays === null
            ? 'By hand only: no policy drills it.'
            : `By its policy every ${count(drill.everyDays, 'day')}.`}
          {drill.nextAt !== null && (
            <>
              {' Next '}
              <Time iso={drill.nextAt} />.
            </>
          )}
          {asked > 0 && ` ${count(asked, 'assertion')} of your own ${asked === 1 ? 'is' : 'are'} checked.`}
        </p>
      </div>
      {asking && assertions.data && (
        <AssertionsDialog
          databaseId={id}
          assertions={assertions.data.assertions}
          onClose={() => setAsking(false)}
        />
      )}
    </Card>
  );
}

function OpenDrill({ jobId }: { jobId: string }) {
  const job = useQuery(queries.job(jobId));
  if (!job.data || !isActive(job.data)) return null;
  return <JobProgress job={job.data} />;
}

function Verdict({ database: { drill, snapshotCount } }: { database: Database }) {
  const { last, verdict } = drill;
  const undone = last && last.outcome === 'incomplete' ? last : undefined;
  return (
    <>
      {verdict ? (
        <Result label="Last result" drill={verdict} />
      ) : (
        <p>
          {snapshotCount === 0
            ? 'There is no snapshot to try out yet.'
            : 'Never drilled: that its backups can be restored has not been tried.'}
        </p>
      )}
      {undone && <Result label="Last try" drill={undone} />}
    </>
  );
}

interface ResultProps {
  label: string;
  drill: NonNullable<Database['drill']['last']>;
}

function Result({ drill, label }: ResultProps) {
  const job = useQuery(queries.job(drill.jobId));
  const report = job.data?.result?.kind === 'drill' ? job.data.result.report : undefined;
  return (
    <section aria-label={label} className="grid gap-3">
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <DrillBadge outcome={drill.outcome} />
        <Time iso={drill.finishedAt} />
        <Link
          to="/jobs/$jobId"
          params={{ jobId: drill.jobId }}
          className="rounded-sm text-sm text-accent underline"
        >
          Its log
        </Link>
        <Link
          to="/snapshots/$snapshotId"
          params={{ snapshotId: drill.snapshotId }}
          className="rounded-sm text-sm text-accent underline"
        >
          The snapshot
        </Link>
      </p>
      {job.data?.failure && <FailureCard failure={job.data.failure} />}
      {report && <DrillReportView report={report} />}
    </section>
  );
}
