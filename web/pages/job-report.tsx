import { Link } from '@tanstack/react-router';
import { CircleCheck } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Job, JobResult } from '../api/types.ts';
import { formatBytes, percent } from '../components/format.ts';
import { Facts } from '../components/layout.tsx';

/** What a job that succeeded did. */
export function JobReport({ job, result }: { job: Job; result: JobResult }) {
  return (
    <div className="grid gap-3 rounded-card border border-ok/40 bg-ok-soft p-4">
      <p className="flex items-center gap-2.5 font-semibold">
        <CircleCheck aria-hidden size={18} className="text-ok" />
        {result.kind === 'backup'
          ? 'The snapshot is in the vault.'
          : `Restored as ${result.report.database}.`}
      </p>
      {result.kind === 'backup' ? (
        <Facts
          items={[
            ['Size', formatBytes(result.rawBytes)],
            ['Uploaded', formatBytes(result.storedBytes)],
            ['Already in the vault', percent(result.reusedBytes, result.rawBytes)],
            [
              'Snapshot',
              <Link
                key="snapshot"
                to="/snapshots/$snapshotId"
                params={{ snapshotId: result.snapshotId }}
                className="rounded-sm text-accent underline"
              >
                {job.databaseName}
              </Link>,
            ],
          ]}
        />
      ) : (
        <RestoreReport result={result} />
      )}
    </div>
  );
}

function RestoreReport({ result }: { result: Extract<JobResult, { kind: 'restore' }> }) {
  const { report } = result;
  const facts: [string, ReactNode][] = [['Restored', formatBytes(result.rawBytes)]];
  if (report.keptAs) facts.push(['The old database is kept as', report.keptAs]);
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
