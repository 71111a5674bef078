import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { queries } from '../api/queries.ts';
import type { AgentFilter } from '../api/types.ts';
import { AgentBadge, AttentionBadge, LabelBadge } from '../components/badge.tsx';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { count } from '../components/format.ts';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { PagedTable } from '../components/paged-table.tsx';
import { SearchField } from '../components/search.tsx';
import { RowTitle } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { AddAgentDialog } from './add-agent.tsx';
import { RolloutCard } from './rollout.tsx';
import { UpdatesNote, useUpdates, VersionCell } from './update.tsx';

const route = getRouteApi('/app/agents');

export function AgentsPage() {
  const [adding, setAdding] = useState(false);
  const filter = route.useSearch();
  const navigate = useNavigate({ from: '/agents' });
  const setSearch = (q: string) =>
    void navigate({ search: q ? { q } : {}, replace: true, resetScroll: false });
  const agents = useQuery({ ...queries.agents(filter), placeholderData: keepPreviousData });
  const searched = filter.q !== undefined;
  const total = agents.data?.total ?? 0;
  return (
    <Page
      title="Agents"
      lead="An agent runs next to your databases and dials out to this control plane."
      actions={
        <May to={['configure', 'fleet']}>
          <Button look="primary" onClick={() => setAdding(true)}>
            <Plus aria-hidden size={16} />
            Add agent
          </Button>
        </May>
      }
    >
      {(total > 0 || searched) && (
        <SearchField label="Search agents" value={filter.q ?? ''} onChange={setSearch} />
      )}
      <ErrorCard error={agents.error} onRetry={() => void agents.refetch()} />
      <Card flush>
        {agents.isPending && <Skeleton />}
        {agents.data?.total === 0 && !searched && (
          <Empty
            title="No agent yet"
            action={
              <May to={['configure', 'fleet']}>
                <Button look="primary" onClick={() => setAdding(true)}>
                  <Plus aria-hidden size={16} />
                  Add agent
                </Button>
              </May>
            }
          >
            Add one on a host that can reach a database. It needs no open port: it calls this control plane.
          </Empty>
        )}
        {total > 0 && <AgentTable filter={filter} total={total} />}
        {agents.data?.total === 0 && searched && <Empty title="No agent matches." />}
      </Card>
      <UpdatesNote />
      <RolloutCard />
      {adding && <AddAgentDialog onClose={() => setAdding(false)} />}
    </Page>
  );
}

function AgentTable({ filter, total }: { filter: AgentFilter; total: number }) {
  const { data } = useUpdates();
  const updates = data && new Map(data.agents.map((one) => [one.agentId, one]));
  return (
    <PagedTable
      label="Agents"
      page={(offset) => queries.agents(filter, offset)}
      total={total}
      rowKey={(agent) => agent.id}
      columns={[
        {
          header: 'Agent',
          cell: (agent) => (
            <RowTitle note={agent.successor ? `Replaced by ${agent.successor.name}` : agent.inventory?.os}>
              <Link to="/agents/$agentId" params={{ agentId: agent.id }}>
                {agent.name}
              </Link>
            </RowTitle>
          ),
        },
        {
          header: 'State',
          cell: (agent) => (
            <div className="flex flex-wrap gap-1.5">
              <AgentBadge state={agent.state} />
              {agent.labels.map((label) => (
                <LabelBadge key={label} label={label} />
              ))}
              {agent.waitingServerCount > 0 && <AttentionBadge label="Waits for credentials" />}
            </div>
          ),
        },
        {
          header: 'Last seen',
          show: 'wide',
          cell: (agent) =>
            agent.state === 'online' ? 'Now' : agent.lastSeenAt ? <Time iso={agent.lastSeenAt} /> : 'Never',
        },
        {
          header: 'Version',
          show: 'wide',
          cell: (agent) => <VersionCell version={agent.version} standing={updates?.get(agent.id)} />,
        },
        {
          header: 'Protects',
          show: 'wide',
          align: 'end',
          cell: (agent) =>
            `${count(agent.databaseCount, 'database')} on ${count(agent.serverCount, 'server')}`,
        },
      ]}
    />
  );
}
