import { Link } from '@tanstack/react-router';
import { queries } from '../api/queries.ts';
import type { DatabaseFilter } from '../api/types.ts';
import { ProtectionBadge } from '../components/badge.tsx';
import { formatBytes } from '../components/format.ts';
import { PagedTable } from '../components/paged-table.tsx';
import { RowTitle } from '../components/table.tsx';
import { Time } from '../components/time.tsx';

interface DatabaseTableProps {
  filter: DatabaseFilter;
  /** How many there are by it. */
  total: number;
  ofServer?: boolean;
}

/** Databases with the state of their protection; `ofServer`: all of the server the page is about. */
export function DatabaseTable({ filter, ofServer, total }: DatabaseTableProps) {
  return (
    <PagedTable
      label="Databases"
      page={(offset) => queries.databases(filter, offset)}
      total={total}
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
