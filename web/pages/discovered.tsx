import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { RotateCw } from 'lucide-react';
import type { ReactNode } from 'react';
import { queries } from '../api/queries.ts';
import type { Agent, DiscoveredServer } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Empty, Skeleton } from '../components/layout.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { useEngineLabel } from './server-table.tsx';

interface DiscoveredProps {
  agent: Agent;
  /** What leads from a server that is not added yet to the form; `label` names the server. */
  action: (server: DiscoveredServer, label: string) => ReactNode;
}

/** The database servers that an agent finds on its host; asked of it now. */
export function DiscoveredServers({ agent, action }: DiscoveredProps) {
  const found = useQuery(queries.discovered(agent.id));
  const again = (
    <Button size="small" busy={found.isFetching} onClick={() => void found.refetch()}>
      <RotateCw aria-hidden size={14} />
      Look again
    </Button>
  );
  const { notes = [], servers = [] } = found.data ?? {};
  return (
    <Card title={`Found on ${agent.name}`} actions={again} flush>
      {found.isPending && <Skeleton rows={2} />}
      {found.error && (
        <div className="p-4">
          <ErrorCard error={found.error} />
        </div>
      )}
      {found.data && servers.length === 0 && (
        <Empty title="No database server found on this host">
          One that runs elsewhere, and that the agent can reach, is added by its address.
        </Empty>
      )}
      {servers.length > 0 && <FoundTable servers={servers} action={action} />}
      {notes.length > 0 && (
        <ul className="grid gap-1 border-t border-line px-4 py-3 text-sm text-ink-3">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function FoundTable({ action, servers }: { servers: DiscoveredServer[]; action: DiscoveredProps['action'] }) {
  const engineLabel = useEngineLabel();
  const title = ({ engine, version }: DiscoveredServer) =>
    [engineLabel(engine), version].filter(Boolean).join(' ');
  return (
    <Table
      label="Servers found on the host"
      rows={servers}
      rowKey={(server) => `${server.engine} ${server.host} ${server.port}`}
      columns={[
        {
          header: 'Server',
          cell: (server) => <RowTitle note={place(server)}>{title(server)}</RowTitle>,
        },
        {
          header: 'In Homeport',
          align: 'end',
          cell: (server) =>
            server.serverId ? (
              <Link
                to="/servers/$serverId"
                params={{ serverId: server.serverId }}
                className="rounded-sm text-accent underline"
                aria-label={`Added: ${title(server)} at ${place(server)}`}
              >
                Added
              </Link>
            ) : (
              action(server, `${title(server)} at ${place(server)}`)
            ),
        },
      ]}
    />
  );
}

/** Where it listens, and in which container. */
function place({ container, host, port }: DiscoveredServer): string {
  return `${host}:${port}${container ? `, container ${container}` : ''}`;
}

/** What such a server might be called, where nobody has said. */
export function suggestedName(
  agent: Agent,
  { container, port }: DiscoveredServer,
  usualPort: number,
): string {
  return container ?? (port === usualPort ? agent.name : `${agent.name} ${port}`);
}
