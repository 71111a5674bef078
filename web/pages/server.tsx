import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { PlugZap } from 'lucide-react';
import { useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { EngineDescriptor, Server } from '../api/types.ts';
import { Button, buttonClass } from '../components/button.tsx';
import { ConfirmDialog } from '../components/confirm.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Empty, Facts, Page, Skeleton } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { Time } from '../components/time.tsx';
import { AutoProtect } from './auto-protect.tsx';
import { ChooseDatabases } from './choose-databases.tsx';
import { DatabaseTable } from './database-table.tsx';
import { PolicyDefaultCard } from './policy-choice.tsx';
import { ProbeResult } from './probe-result.tsx';
import { address, ServerBadge, useEngineLabel } from './server-table.tsx';
import { WaitingServers } from './waiting-servers.tsx';

const route = getRouteApi('/app/servers/$serverId');
const back = (
  <Link to="/servers" className="hover:text-ink">
    Servers
  </Link>
);

export function ServerPage() {
  const { serverId } = route.useParams();
  const server = useQuery(queries.server(serverId));
  const agentId = server.data?.agentId;
  const agent = useQuery({ ...queries.agent(agentId ?? ''), enabled: agentId !== undefined });
  const [removing, setRemoving] = useState(false);
  const probe = useMutation({
    mutationFn: (agentId: string) => acts.probeServer({ agentId, serverId }),
  });
  if (!server.data) {
    return (
      <Page title="Server" back={back}>
        <ErrorCard error={server.error} onRetry={() => void server.refetch()} />
        {server.isPending && <Skeleton />}
      </Page>
    );
  }
  const { data } = server;
  const waits = data.awaitsCredentialsSince !== null;
  return (
    <Page
      title={data.name}
      back={back}
      badge={<ServerBadge server={data} />}
      actions={
        !data.removedFromAgent && (
          <>
            {!waits && (
              <May to="operate">
                <Button busy={probe.isPending} onClick={() => probe.mutate(data.agentId)}>
                  <PlugZap aria-hidden size={16} />
                  Test connection
                </Button>
              </May>
            )}
            <May to="configure">
              <Link to="/servers/$serverId/edit" params={{ serverId }} className={buttonClass()}>
                Edit
              </Link>
            </May>
            <May to={['configure', 'delete']}>
              <Button onClick={() => setRemoving(true)}>Remove</Button>
            </May>
          </>
        )
      }
    >
      {data.removedFromAgent && (
        <p className="text-ink-2">
          The agent no longer holds credentials for this server. Its snapshots are kept and can be restored
          elsewhere.
        </p>
      )}
      {waits && agent.data && (
        <May to="configure">
          <WaitingServers agent={agent.data} servers={[data]} />
        </May>
      )}
      {probe.data && <ProbeResult facts={probe.data} />}
      <ErrorCard error={probe.error} />
      <ProtectedDatabases serverId={serverId} />
      {!data.removedFromAgent && !waits && (
        <May to="configure">
          <AutoProtect server={data} />
          <PolicyDefaultCard kind="servers" id={data.id} value={data.policyChoice} />
          <ChooseDatabases server={data} />
        </May>
      )}
      <ServerFactsCard server={data} />
      {removing && <RemoveDialog server={data} onClose={() => setRemoving(false)} />}
    </Page>
  );
}

function ProtectedDatabases({ serverId }: { serverId: string }) {
  const databases = useQuery(queries.databases({ serverId }));
  return (
    <Card title="Protected databases" flush>
      <ErrorCard error={databases.error} onRetry={() => void databases.refetch()} />
      {databases.isPending && <Skeleton rows={2} />}
      {databases.data?.total === 0 && (
        <Empty title="None is protected yet">
          Protect all of them below, or choose which ones Homeport should back up.
        </Empty>
      )}
      {databases.data && databases.data.total > 0 && (
        <DatabaseTable filter={{ serverId }} total={databases.data.total} ofServer />
      )}
    </Card>
  );
}

/** Part of the address, or too long to show. */
const ELSEWHERE = ['host', 'port', 'ca'];

/** The connection's other settings in the words of the form. */
function settings(engine: EngineDescriptor, connection: Server['connection']): [string, string][] {
  return engine.fields.flatMap(({ name, label, choices }): [string, string][] => {
    const value = connection[name];
    if (value === undefined || ELSEWHERE.includes(name)) return [];
    return [[label, choices?.find((choice) => choice.value === value)?.label ?? String(value)]];
  });
}

function ServerFactsCard({ server }: { server: Server }) {
  const engineLabel = useEngineLabel();
  const engines = useQuery(queries.engines());
  const engine = engines.data?.find(({ id }) => id === server.engine);
  return (
    <Card title="Connection">
      <Facts
        items={[
          ['Engine', [engineLabel(server.engine), server.version].filter(Boolean).join(' ')],
          ['Address', address(server)],
          ...(engine ? settings(engine, server.connection) : []),
          [
            'Agent',
            <Link
              key="agent"
              to="/agents/$agentId"
              params={{ agentId: server.agentId }}
              className="rounded-sm text-accent underline"
            >
              {server.agentName}
            </Link>,
          ],
          ['Added', <Time key="added" iso={server.createdAt} mode="local" />],
          [
            'Credentials',
            server.addedOnHost ? 'Added on the agent’s host' : 'Sealed to the agent in a browser',
          ],
        ]}
      />
    </Card>
  );
}

function RemoveDialog({ server, onClose }: { server: Server; onClose: () => void }) {
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: (typed: string) => acts.removeServer(server.id, typed),
    onSuccess: () => navigate({ to: '/servers' }),
  });
  return (
    <ConfirmDialog
      title={`Remove ${server.name}`}
      name={server.name}
      act="Remove server"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={(typed) => remove.mutate(typed)}
      onClose={onClose}
    >
      <p>The agent forgets the credentials and its databases are no longer backed up.</p>
      <p>Snapshots stay in the vault and can be restored to another server.</p>
    </ConfirmDialog>
  );
}
