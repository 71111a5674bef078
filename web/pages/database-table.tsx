import { Link } from '@tanstack/react-router';
import { queries } from '../api/queries.ts';
import type { Database, DatabaseFilter } from '../api/types.ts';
import { ProtectionBadge } from '../components/badge.tsx';
import { formatBytes } from '../components/format.ts';
import { PagedTable } from '../components/paged-table.tsx';
import type { Picked } from '../components/picked.ts';
import { RowTitle } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { PickBox } from './pick-box.tsx';

interface DatabaseTableProps {
  filter: DatabaseFilter;
  /** How many there are by it. */
  total: number;
  ofServer?: boolean;
  /** Where rows can be picked. */
  picked?: Picked<Database>;
}

/** Databases with the state of their protection; `ofServer`: all of the server the page is about. */
export function DatabaseTable({ filter, ofServer, picked, total }: DatabaseTableProps) {
  return (
    <PagedTable
      label="Databases"
      page={(offset) => queries.databases(filter, offset)}
      total={total}
      rowKey={(database) => database.id}
      columns={[
        {
          header: 'Database',
          cell: (database, index) => (
            <div className="flex items-center gap-3">
              {picked && <PickBox {...{ database, filter, index, picked }} />}
              <RowTitle note={ofServer ? undefined : database.serverName}>
                <Link to="/databases/$databaseId" params={{ databaseId: database.id }}>
                  {database.name}
                </Link>
              </RowTitle>
            </div>
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
