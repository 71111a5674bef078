import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { ArchiveRestore, Download } from 'lucide-react';
import type { ReactNode } from 'react';
import { downloadUrl } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { SnapshotDetail } from '../api/types.ts';
import { SnapshotBadges } from '../components/badge.tsx';
import { buttonClass } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { formatBytes, formatDuration, formatLocal, secondsBetween } from '../components/format.ts';
import { Card, Empty, Facts, Page, Skeleton } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { objectTexts } from './object-counts.ts';
import { useEngineLabel } from './server-table.tsx';
import { SnapshotKeeping } from './snapshot-keeping.tsx';

const route = getRouteApi('/app/snapshots/$snapshotId');

export function SnapshotPage() {
  const { snapshotId } = route.useParams();
  const snapshot = useQuery(queries.snapshot(snapshotId));
  const { data } = snapshot;
  if (!data) {
    return (
      <Page title="Snapshot">
        <ErrorCard error={snapshot.error} onRetry={() => void snapshot.refetch()} />
        {snapshot.isPending && <Skeleton />}
      </Page>
    );
  }
  return (
    <Page
      title={`${data.databaseName}, ${formatLocal(data.createdAt)}`}
      back={
        <Link to="/databases/$databaseId" params={{ databaseId: data.databaseId }} className="hover:text-ink">
          {data.databaseName}
        </Link>
      }
      badge={<SnapshotBadges snapshot={data} />}
      actions={
        <>
          <May to="download">
            <a href={downloadUrl(data.id)} download className={buttonClass()}>
              <Download aria-hidden size={16} />
              Download
            </a>
          </May>
          {data.state === 'good' && (
            <May to="restore">
              <Link
                to="/snapshots/$snapshotId/restore"
                params={{ snapshotId }}
                className={buttonClass('primary')}
              >
                <ArchiveRestore aria-hidden size={16} />
                Restore
              </Link>
            </May>
          )}
        </>
      }
    >
      {data.state === 'damaged' && (
        <FailureCard
          failure={{
            code: 'chunks_missing',
            message: 'A check of the vault found that something this snapshot needs is damaged or lost.',
            hint: 'Restore another one. If you have put the files back, check the vault again.',
            retryable: false,
          }}
        />
      )}
      <div className="grid items-start gap-5 xl:grid-cols-2">
        <SnapshotFacts snapshot={data} />
        <SnapshotKeeping key={data.id} snapshot={data} />
        <May to="download">
          <DownloadHelp engineId={data.engine} />
        </May>
      </div>
      <Contents snapshot={data} />
    </Page>
  );
}

function Drilled({ drill }: { drill: NonNullable<SnapshotDetail['drill']> }) {
  return (
    <Link to="/jobs/$jobId" params={{ jobId: drill.jobId }} className="rounded-sm text-accent underline">
      <Time iso={drill.finishedAt} />
    </Link>
  );
}

function SnapshotFacts({ snapshot }: { snapshot: SnapshotDetail }) {
  const engineLabel = useEngineLabel();
  const { beforeRestoreJobId, catalog } = snapshot;
  const items: [string, ReactNode][] = [
    ['Number', snapshot.sequence.toLocaleString()],
    ['Drilled', snapshot.drill ? <Drilled key="drilled" drill={snapshot.drill} /> : 'Never'],
    ['Taken', <Time key="taken" iso={snapshot.createdAt} mode="local" />],
    ['Took', formatDuration(secondsBetween(snapshot.startedAt, snapshot.finishedAt))],
    ['Size', formatBytes(snapshot.rawBytes)],
    ['Uploaded', snapshot.storedBytes === null ? 'Not known any more' : formatBytes(snapshot.storedBytes)],
    ['Server', `${snapshot.serverName}, ${engineLabel(snapshot.engine)} ${snapshot.serverVersion}`],
    ['Made with', snapshot.tool],
  ];
  if (snapshot.lockedUntil)
    items.push(['Locked until', <Time key="locked" iso={snapshot.lockedUntil} mode="local" />]);
  if (catalog.leftOut.length > 0) items.push(['Without the rows of', catalog.leftOut.join(', ')]);
  if (beforeRestoreJobId) {
    const restore = (
      <Link
        key="restore"
        to="/jobs/$jobId"
        params={{ jobId: beforeRestoreJobId }}
        className="rounded-sm text-accent underline"
      >
        A restore in its place
      </Link>
    );
    items.push(['Taken before', restore]);
  }
  return (
    <Card title="Snapshot">
      <Facts items={items} />
    </Card>
  );
}

function DownloadHelp({ engineId }: { engineId: string }) {
  const engines = useQuery(queries.engines());
  const engine = engines.data?.find(({ id }) => id === engineId);
  if (!engine) return null;
  return (
    <Card title="Without Homeport">
      <div className="grid gap-3">
        <p className="text-ink-2">
          “Download” gives the engine’s own {engine.download.extension} file. Its standard tool restores it:
        </p>
        <CodeBlock text={engine.download.restoreCommand} label="Command that restores the download" />
      </div>
    </Card>
  );
}

function Contents({ snapshot }: { snapshot: SnapshotDetail }) {
  const { tables, objectCounts } = snapshot.catalog;
  const objects = objectTexts(objectCounts);
  return (
    <Card title="What is in it" flush>
      {objects.length > 0 && (
        <p className="border-b border-line px-4 py-3 text-ink-2">{objects.join(' · ')}</p>
      )}
      {tables.length === 0 ? (
        <Empty title="No table has rows" />
      ) : (
        <Table
          label="Tables"
          rows={tables.toSorted((a, b) => b.bytes - a.bytes)}
          rowKey={(table) => `${table.schema}.${table.name}`}
          columns={[
            {
              header: 'Table',
              cell: (table) => (
                <RowTitle>{table.schema ? `${table.schema}.${table.name}` : table.name}</RowTitle>
              ),
            },
            { header: 'Rows', align: 'end', cell: (table) => table.rows.toLocaleString() },
            { header: 'Data', align: 'end', cell: (table) => formatBytes(table.bytes) },
          ]}
        />
      )}
    </Card>
  );
}
