import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { queries } from '../api/queries.ts';
import type { Server, ServerFilter } from '../api/types.ts';
import { AgentBadge, AttentionBadge } from '../components/badge.tsx';
import { PagedTable } from '../components/paged-table.tsx';
import { type Column, RowTitle } from '../components/table.tsx';

/** Label of an engine by its id, from the descriptors the control plane serves. */
export function useEngineLabel(): (id: string) => string {
  const engines = useQuery(queries.engines());
  return (id) => engines.data?.find((engine) => engine.id === id)?.label ?? id;
}

const agentColumn: Column<Server> = {
  header: 'Agent',
  show: 'wide',
  cell: (server) => server.agentName,
};

/** Where a server listens, as its agent sees it. */
export function address(server: Server): string {
  const { host, port } = server.connection;
  return [host, port].filter((part) => part !== undefined && part !== null).join(':');
}

/** Whether a server can be reached through its agent, as far as that is known here. */
export function ServerBadge({ server }: { server: Server }) {
  if (server.removedFromAgent) return <AttentionBadge label="Not on agent" />;
  if (server.awaitsCredentialsSince) return <AttentionBadge label="Waits for credentials" />;
  return <AgentBadge state={server.agentState} />;
}

interface ServerTableProps {
  filter: ServerFilter;
  /** How many there are by it. */
  total: number;
  ofAgent?: boolean;
}

/** Servers; `ofAgent`: all of one agent, whose name and state the page shows already. */
export function ServerTable({ filter, ofAgent, total }: ServerTableProps) {
  const engineLabel = useEngineLabel();
  return (
    <PagedTable
      label="Servers"
      page={(offset) => queries.servers(filter, offset)}
      total={total}
      rowKey={(server) => server.id}
      columns={[
        {
          header: 'Server',
          cell: (server) => (
            <RowTitle note={address(server)}>
              <Link to="/servers/$serverId" params={{ serverId: server.id }}>
                {server.name}
              </Link>
            </RowTitle>
          ),
        },
        {
          header: 'State',
          cell: (server) => <ServerBadge server={server} />,
        },
        {
          header: 'Engine',
          show: 'wide',
          cell: (server) => [engineLabel(server.engine), server.version].filter(Boolean).join(' '),
        },
        ...(ofAgent ? [] : [agentColumn]),
        {
          header: 'Protected databases',
          show: 'wide',
          align: 'end',
          cell: (server) =>
            server.autoProtect ? (
              <RowTitle note="All, new ones too">{server.databaseCount.toLocaleString()}</RowTitle>
            ) : (
              server.databaseCount.toLocaleString()
            ),
        },
      ]}
    />
  );
}
