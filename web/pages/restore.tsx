import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { queries } from '../api/queries.ts';
import type { EngineDescriptor, Server } from '../api/types.ts';
import { buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { count, formatBytes } from '../components/format.ts';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';
import { Time } from '../components/time.tsx';
import { useFound } from '../components/use-found.ts';
import { RestoreFlow } from './restore-flow.tsx';

const route = getRouteApi('/app/snapshots/$snapshotId/restore');

export function RestorePage() {
  const { snapshotId } = route.useParams();
  const snapshot = useQuery(queries.snapshot(snapshotId));
  const engineId = snapshot.data?.engine;
  const servers = useFound((search) => ({
    ...queries.servers({ ...search, ...(engineId ? { engine: engineId } : {}), usable: 'true' }),
    enabled: engineId !== undefined,
  }));
  const own = useQuery({
    ...queries.server(snapshot.data?.serverId ?? ''),
    enabled: snapshot.isSuccess,
    retry: false,
  });
  const engines = useQuery(queries.engines());
  const { data } = snapshot;
  const engine = engines.data?.find(({ id }) => id === data?.engine);
  const isPending = snapshot.isPending || servers.isPending || engines.isPending || own.isPending;
  const targets = withOwn(servers.known, own.data);
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
      {data && engine && !isPending ? (
        targets.length > 0 ? (
          <RestoreFlow key={data.id} snapshot={data} engine={engine} servers={targets} found={servers} />
        ) : (
          <NoTarget engine={engine} />
        )
      ) : (
        isPending && <Skeleton rows={6} />
      )}
    </Page>
  );
}

/** The server that the snapshot came from is among the targets, wherever in the list it is. */
function withOwn(found: Server[], own: Server | undefined): Server[] {
  if (!own || own.removedFromAgent || own.awaitsCredentialsSince || own.agentState === 'revoked')
    return found;
  return found.some(({ id }) => id === own.id) ? found : [own, ...found];
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
