import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { EngineDescriptor, Server, SnapshotDetail } from '../api/types.ts';
import { Button, buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { formatBytes } from '../components/format.ts';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';
import { Time } from '../components/time.tsx';
import { RestorePlanForm } from './restore-plan.tsx';
import { proposedName, RestoreTargetForm, type Target } from './restore-target.tsx';
import { MissingList, PreflightFindings } from './restore-verdict.tsx';

const route = getRouteApi('/app/snapshots/$snapshotId/restore');

export function RestorePage() {
  const { snapshotId } = route.useParams();
  const snapshot = useQuery(queries.snapshot(snapshotId));
  const servers = useQuery(queries.servers());
  const engines = useQuery(queries.engines());
  const { data } = snapshot;
  const engine = engines.data?.find(({ id }) => id === data?.engine);
  const targets = servers.data?.filter(
    (server) => server.engine === data?.engine && !server.removedFromAgent && server.agentState !== 'revoked',
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

interface RestoreFlowProps {
  snapshot: SnapshotDetail;
  engine: EngineDescriptor;
  servers: Server[];
}

/** Where to → what the target says → how, and the name typed → the job. */
function RestoreFlow({ snapshot, engine, servers }: RestoreFlowProps) {
  const navigate = useNavigate();
  const [target, setTarget] = useState<Target>(() => {
    const same = servers.find(({ id }) => id === snapshot.serverId);
    const online = servers.find(({ agentState }) => agentState === 'online');
    const mode = engine.restoreModes[0]?.id ?? 'new';
    return {
      serverId: (same ?? online ?? servers[0])?.id ?? '',
      mode,
      database: proposedName(mode, snapshot.databaseName),
    };
  });
  const preflight = useMutation({
    mutationFn: () =>
      acts.preflightRestore(snapshot.id, { serverId: target.serverId, targetDatabase: target.database }),
  });
  const check = (event: FormEvent) => {
    event.preventDefault();
    preflight.mutate();
  };
  const server = servers.find(({ id }) => id === target.serverId);
  return (
    <div className="grid max-w-4xl gap-5">
      <Card title="1. Where to">
        <form className="grid gap-4" onSubmit={check}>
          <RestoreTargetForm
            engine={engine}
            servers={servers}
            databaseName={snapshot.databaseName}
            target={target}
            onChange={(next) => {
              setTarget(next);
              preflight.reset();
            }}
          />
          <div className="flex justify-end">
            <Button
              look={preflight.data ? 'plain' : 'primary'}
              type="submit"
              busy={preflight.isPending}
              disabled={server?.agentState !== 'online'}
            >
              {preflight.data ? 'Check again' : 'Check the target'}
            </Button>
          </div>
        </form>
      </Card>
      <ErrorCard error={preflight.error} />
      {preflight.data && server && (
        <>
          <Card title="2. What the target says">
            <div className="grid gap-4">
              <PreflightFindings preflight={preflight.data} mode={target.mode} />
              <MissingList missing={preflight.data.missing} />
            </div>
          </Card>
          <RestorePlanForm
            key={`${target.serverId} ${target.mode} ${target.database}`}
            engine={engine}
            preflight={preflight.data}
            target={target}
            serverName={server.name}
            snapshotId={snapshot.id}
            onStarted={(job) => void navigate({ to: '/jobs/$jobId', params: { jobId: job.id } })}
          />
        </>
      )}
    </div>
  );
}
