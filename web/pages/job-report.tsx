import { CircleCheck } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Job, JobResult } from '../api/types.ts';
import { DrillReportView } from '../components/drill-report.tsx';
import { formatBytes, percent } from '../components/format.ts';
import { Card, Facts } from '../components/layout.tsx';
import { SnapshotLink } from './job-facts.tsx';

/** What a job did; of one that failed, only a drill has something to tell. */
export function JobReport({ job, result }: { job: Job; result: JobResult }) {
  if (result.kind === 'drill' && job.state !== 'succeeded') {
    return (
      <Card title="What the drill found" label="What the drill found">
        <DrillReportView report={result.report} />
      </Card>
    );
  }
  return (
    <div className="grid gap-3 rounded-card border border-ok/40 bg-ok-soft p-4">
      <p className="flex items-center gap-2.5 font-semibold">
        <CircleCheck aria-hidden size={18} className="text-ok" />
        {headline(result)}
      </p>
      {result.kind === 'drill' ? (
        <DrillReportView report={result.report} />
      ) : result.kind === 'backup' ? (
        <Facts
          items={[
            ['Size', formatBytes(result.rawBytes)],
            ['Uploaded', formatBytes(result.storedBytes)],
            ['Already in the vault', percent(result.reusedBytes, result.rawBytes)],
            [
              'Snapshot',
              <SnapshotLink key="snapshot" id={result.snapshotId}>
                {job.databaseName}
              </SnapshotLink>,
            ],
          ]}
        />
      ) : (
        <RestoreReport job={job} result={result} />
      )}
    </div>
  );
}

function headline(result: JobResult): string {
  if (result.kind === 'drill') return 'The snapshot was restored, and all of it is there.';
  if (result.kind === 'backup') return 'The snapshot is in the vault.';
  const { database, mode } = result.report;
  return mode === 'in-place' ? `${database} holds the snapshot now.` : `Restored as ${database}.`;
}

function RestoreReport({ job, result }: { job: Job; result: Extract<JobResult, { kind: 'restore' }> }) {
  const { report } = result;
  const facts: [string, ReactNode][] = [['Restored', formatBytes(result.rawBytes)]];
  if (report.keptAs) facts.push(['The old database is kept as', report.keptAs]);
  if (job.safetySnapshotId) {
    const before = (
      <SnapshotLink key="before" id={job.safetySnapshotId}>
        Its safety snapshot
      </SnapshotLink>
    );
    facts.push(['What was there before', before]);
  }
  const notes = report.notes.filter((note) => !report.keptAs || !note.includes(report.keptAs));
  return (
    <>
      <Facts items={facts} />
      {report.keptAs && <p className="text-ink-2">Drop it when you no longer need it.</p>}
      {notes.length > 0 && (
        <ul className="grid list-disc gap-1 pl-5 text-ink-2">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </>
  );
}
