import { CircleCheck, CircleX } from 'lucide-react';
import type { DrillReport } from '../api/types.ts';
import { count, formatDuration } from './format.ts';
import { Facts } from './layout.tsx';
import { Table } from './table.tsx';

/** What a drill found: rows counted, tables that differ, assertions. */
export function DrillReportView({ report }: { report: DrillReport }) {
  const { assertions, differences, differing, notes, tables } = report;
  const uncounted = tables.uncounted > 0 ? `, ${tables.uncounted} without rows in the backup` : '';
  return (
    <div className="grid gap-4">
      <Facts
        items={[
          ['Rows', `${tables.rows.toLocaleString()} in ${count(tables.compared, 'table')}${uncounted}`],
          ['Restored and checked in', formatDuration(report.durationMs / 1000)],
          ['Server it was tried on', report.serverVersion],
        ]}
      />
      {differing > 0 && (
        <div>
          <p className="mb-1.5 font-medium">{`${count(differing, 'table')} not as in the backup`}</p>
          <Table
            label="Tables that differ"
            rows={differences}
            rowKey={(row) => row.table}
            columns={[
              { header: 'Table', cell: (row) => <span className="break-all">{row.table}</span> },
              { header: 'In the backup', align: 'end', cell: (row) => row.expected.toLocaleString() },
              {
                header: 'Restored',
                align: 'end',
                cell: (row) => (row.found === null ? 'missing' : row.found.toLocaleString()),
              },
            ]}
          />
        </div>
      )}
      {assertions.length > 0 && <AssertionList assertions={assertions} />}
      {notes.length > 0 && (
        <ul className="grid list-disc gap-1 pl-5 text-sm text-ink-2">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function AssertionList({ assertions }: Pick<DrillReport, 'assertions'>) {
  return (
    <ul aria-label="Assertions" className="grid gap-1.5">
      {assertions.map(({ message, name, outcome }) => {
        const good = outcome === 'passed';
        const Icon = good ? CircleCheck : CircleX;
        return (
          <li key={name} className="flex items-start gap-2">
            <Icon aria-hidden size={16} className={`mt-1 shrink-0 ${good ? 'text-ok' : 'text-bad'}`} />
            <span className="min-w-0 break-words">
              {name}
              <span className="sr-only">{good ? ': holds' : ': does not hold'}</span>
              {message !== '' && <span className="block text-sm text-ink-2">{message}</span>}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
