import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { queries } from '../api/queries.ts';
import type { Agent, Server } from '../api/types.ts';
import { buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Empty, Skeleton } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { DiscoveredServers, suggestedName } from './discovered.tsx';
import { ServerTable } from './server-table.tsx';

interface AgentServersProps {
  agent: Agent;
  /** How many it has, once that is known. */
  total: number | undefined;
  error: unknown;
}

/** The servers an agent has, and the way to a new one. */
export function AgentServers({ agent, total, error }: AgentServersProps) {
  const add = agent.state !== 'revoked' && (
    <May to="configure">
      <Link to="/servers/new" search={{ agent: agent.id }} className={buttonClass('plain', 'small')}>
        <Plus aria-hidden size={14} />
        Add server
      </Link>
    </May>
  );
  return (
    <Card title="Servers it reaches" actions={add} flush>
      <ErrorCard error={error} />
      {total === undefined && !error && <Skeleton rows={2} />}
      {total === 0 && (
        <Empty title="No server yet">Add the database server that this agent should log in to.</Empty>
      )}
      {total !== undefined && total > 0 && (
        <ServerTable filter={{ agentId: agent.id }} total={total} ofAgent />
      )}
    </Card>
  );
}

function serverLink({ id, name }: Server) {
  return (
    <Link to="/servers/$serverId" params={{ serverId: id }} className="rounded-sm text-accent underline">
      Waits as {name}
    </Link>
  );
}

/** What runs on the host, one click away from the form; what waits for its password is no new server. */
export function FoundHere({ agent, waiting }: { agent: Agent; waiting: Server[] }) {
  const engines = useQuery(queries.engines());
  const usualPort = (id: string) => engines.data?.find((engine) => engine.id === id)?.defaultPort ?? 0;
  return (
    <DiscoveredServers
      agent={agent}
      action={(server, label) => {
        const known = waiting.find(
          ({ connection }) => connection.host === server.host && connection.port === server.port,
        );
        if (known) return serverLink(known);
        return (
          <Link
            to="/servers/new"
            search={{
              agent: agent.id,
              engine: server.engine,
              host: server.host,
              port: server.port,
              name: suggestedName(agent, server, usualPort(server.engine)),
            }}
            className={buttonClass('plain', 'small')}
            aria-label={`Add ${label}`}
          >
            <Plus aria-hidden size={14} />
            Add
          </Link>
        );
      }}
    />
  );
}
