import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { queries } from '../api/queries.ts';
import { buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { NoAgent } from '../components/no-agent.tsx';
import { matches, SearchField } from '../components/search.tsx';
import { address, ServerTable } from './server-table.tsx';

const add = (
  <May to="configure">
    <Link to="/servers/new" className={buttonClass('primary')}>
      <Plus aria-hidden size={16} />
      Add server
    </Link>
  </May>
);

export function ServersPage() {
  const [search, setSearch] = useState('');
  const servers = useQuery(queries.servers());
  const agents = useQuery(queries.agents());
  const shown = servers.data?.filter((s) => matches(search, [s.name, s.agentName, address(s)])) ?? [];
  const hasServers = (servers.data?.length ?? 0) > 0;
  return (
    <Page
      title="Servers"
      lead="Database servers that your agents log in to."
      actions={agents.data?.length ? add : undefined}
    >
      {hasServers && <SearchField label="Search servers" value={search} onChange={setSearch} />}
      <ErrorCard error={servers.error} onRetry={() => void servers.refetch()} />
      <Card flush>
        {servers.isPending && <Skeleton />}
        {servers.data?.length === 0 &&
          (agents.data?.length === 0 ? (
            <NoAgent />
          ) : (
            <Empty title="No server yet" action={add}>
              Tell an agent where your database server listens and which account it may use.
            </Empty>
          ))}
        {hasServers && shown.length > 0 && <ServerTable servers={shown} />}
        {hasServers && shown.length === 0 && <Empty title="No server matches." />}
      </Card>
    </Page>
  );
}
