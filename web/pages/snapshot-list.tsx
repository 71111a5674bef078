import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ArchiveRestore, Download } from 'lucide-react';
import { downloadUrl } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { Snapshot } from '../api/types.ts';
import { SnapshotBadges } from '../components/badge.tsx';
import { buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { formatBytes, formatDuration, secondsBetween } from '../components/format.ts';
import { Card, Empty, Skeleton } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { PagedTable } from '../components/paged-table.tsx';
import { RowTitle } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { SizeChart } from './size-chart.tsx';

/** The snapshots of one database, newest first, with their sizes over time. */
export function SnapshotsCard({ databaseId }: { databaseId: string }) {
  const snapshots = useQuery(queries.snapshots(databaseId));
  const { rows: newest = [], total = 0 } = snapshots.data ?? {};
  return (
    <Card title="Snapshots" flush>
      <ErrorCard error={snapshots.error} onRetry={() => void snapshots.refetch()} />
      {snapshots.isPending && <Skeleton rows={3} />}
      {snapshots.data?.total === 0 && (
        <Empty title="No snapshot yet">
          “Back up now” makes the first. Only what changed is uploaded after that.
        </Empty>
      )}
      {newest.length > 1 && (
        <div className="border-b border-line p-4">
          <SizeChart snapshots={newest} />
        </div>
      )}
      {total > 0 && <SnapshotTable databaseId={databaseId} total={total} />}
    </Card>
  );
}

function SnapshotTable({ databaseId, total }: { databaseId: string; total: number }) {
  return (
    <PagedTable
      label="Snapshots"
      page={(offset) => queries.snapshots(databaseId, offset)}
      total={total}
      rowKey={(snapshot) => snapshot.id}
      columns={[
        {
          header: 'Taken',
          cell: (snapshot) => (
            <RowTitle
              note={
                <>
                  Number {snapshot.sequence}
                  {snapshot.note !== null && `, ${snapshot.note}`}
                  <span className="lg:hidden">, {formatBytes(snapshot.rawBytes)}</span>
                </>
              }
            >
              <span className="inline-flex flex-wrap items-center gap-x-3 gap-y-1">
                <Link to="/snapshots/$snapshotId" params={{ snapshotId: snapshot.id }}>
                  <Time iso={snapshot.createdAt} mode="local" />
                </Link>
                <SnapshotBadges snapshot={snapshot} />
              </span>
            </RowTitle>
          ),
        },
        { header: 'Size', show: 'wide', align: 'end', cell: (snapshot) => formatBytes(snapshot.rawBytes) },
        {
          header: 'Uploaded',
          show: 'wide',
          align: 'end',
          cell: (snapshot) => (snapshot.storedBytes === null ? '–' : formatBytes(snapshot.storedBytes)),
        },
        {
          header: 'Took',
          show: 'wide',
          align: 'end',
          cell: (snapshot) => formatDuration(secondsBetween(snapshot.startedAt, snapshot.finishedAt)),
        },
        { header: 'Actions', align: 'end', cell: (snapshot) => <SnapshotActions snapshot={snapshot} /> },
      ]}
    />
  );
}

function SnapshotActions({ snapshot }: { snapshot: Snapshot }) {
  return (
    <div className="flex justify-end gap-2">
      <May to="download">
        <a
          href={downloadUrl(snapshot.id)}
          download
          className={`${buttonClass('ghost', 'small')} max-sm:hidden`}
        >
          <Download aria-hidden size={14} />
          Download<span className="sr-only"> snapshot {snapshot.sequence}</span>
        </a>
      </May>
      {snapshot.state === 'good' && (
        <May to="restore">
          <Link
            to="/snapshots/$snapshotId/restore"
            params={{ snapshotId: snapshot.id }}
            className={buttonClass('plain', 'small')}
          >
            <ArchiveRestore aria-hidden size={14} />
            Restore<span className="sr-only"> snapshot {snapshot.sequence}</span>
          </Link>
        </May>
      )}
    </div>
  );
}
