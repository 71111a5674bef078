import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { queries } from '../api/queries.ts';
import type { EngineDescriptor } from '../api/types.ts';
import { buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { count, formatBytes } from '../components/format.ts';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';
import { Time } from '../components/time.tsx';
import { RestoreFlow } from './restore-flow.tsx';

const route = getRouteApi('/app/snapshots/$snapshotId/restore');

export function RestorePage() {
  const { snapshotId } = route.useParams();
  const snapshot = useQuery(queries.snapshot(snapshotId));
  const servers = useQuery(queries.servers());
  const engines = useQuery(queries.engines());
  const { data } = snapshot;
  const engine = engines.data?.find(({ id }) => id === data?.engine);
  const targets = servers.data?.filter(
    (server) =>
      server.engine === data?.engine &&
      !server.removedFromAgent &&
      !server.awaitsCredentialsSince &&
      server.agentState !== 'revoked',
  );
  return (
    <Page
      title={data ? `Restore ${data.databaseName}` : 'Restore'}
      back={
        data && (
          <Link
            to="/databases/$databaseId"
            params={{ databaseId: data.databaseId }}
            className="hover:text-ink"
          >
            {data.databaseName}
          </Link>
        )
      }
      lead={
        data && (
          <>
            The snapshot of <Time iso={data.createdAt} mode="local" /> from {data.serverName},{' '}
            {formatBytes(data.rawBytes)}
            {data.partial && `, without the rows of ${count(data.catalog.leftOut.length, 'table')}`}
          </>
        )
      }
    >
      <ErrorCard error={snapshot.error ?? servers.error ?? engines.error} />
      {data && engine && targets ? (
        targets.length > 0 ? (
          <RestoreFlow key={data.id} snapshot={data} engine={engine} servers={targets} />
        ) : (
          <NoTarget engine={engine} />
        )
      ) : (
        (snapshot.isPending || servers.isPending || engines.isPending) && <Skeleton rows={6} />
      )}
    </Page>
  );
}

function NoTarget({ engine }: { engine: EngineDescriptor }) {
  return (
    <Card>
      <Empty
        title={`There is no ${engine.label} server to restore to`}
        action={
          <Link to="/servers/new" className={buttonClass('primary')}>
            Add a server
          </Link>
        }
      >
        Add one on any agent; it need not be the server the snapshot came from.
      </Empty>
    </Card>
  );
}
