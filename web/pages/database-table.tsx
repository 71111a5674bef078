import { Link } from '@tanstack/react-router';
import type { Database } from '../api/types.ts';
import { ProtectionBadge } from '../components/badge.tsx';
import { formatBytes } from '../components/format.ts';
import { RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';

/** Databases with the state of their protection; `ofServer`: all of the server the page is about. */
export function DatabaseTable({ databases, ofServer }: { databases: Database[]; ofServer?: boolean }) {
  return (
    <Table
      label="Databases"
      rows={databases}
      rowKey={(database) => database.id}
      columns={[
        {
          header: 'Database',
          cell: (database) => (
            <RowTitle note={ofServer ? undefined : database.serverName}>
              <Link to="/databases/$databaseId" params={{ databaseId: database.id }}>
                {database.name}
              </Link>
            </RowTitle>
          ),
        },
        {
          header: 'Status',
          cell: (database) => (
            <span title={database.statusReason}>
              <ProtectionBadge status={database.status} />
            </span>
          ),
        },
        {
          header: 'Why',
          show: 'wide',
          cell: (database) => <span className="text-ink-2">{database.statusReason}</span>,
        },
        {
          header: 'Last snapshot',
          show: 'wide',
          cell: (database) =>
            database.lastSnapshot ? <Time iso={database.lastSnapshot.createdAt} /> : 'Never',
        },
        {
          header: 'Size',
          show: 'wide',
          align: 'end',
          cell: (database) => (database.lastSnapshot ? formatBytes(database.lastSnapshot.rawBytes) : '–'),
        },
        {
          header: 'Snapshots',
          show: 'wide',
          align: 'end',
          cell: (database) => database.snapshotCount.toLocaleString(),
        },
      ]}
    />
  );
}
