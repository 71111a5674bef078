import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { queries } from '../api/queries.ts';
import { buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { NoAgent } from '../components/no-agent.tsx';
import { SearchField } from '../components/search.tsx';
import { ServerTable } from './server-table.tsx';

const route = getRouteApi('/app/servers');

const add = (
  <May to="configure">
    <Link to="/servers/new" className={buttonClass('primary')}>
      <Plus aria-hidden size={16} />
      Add server
    </Link>
  </May>
);

export function ServersPage() {
  const filter = route.useSearch();
  const navigate = useNavigate({ from: '/servers' });
  const setSearch = (q: string) =>
    void navigate({ search: q ? { q } : {}, replace: true, resetScroll: false });
  const servers = useQuery({ ...queries.servers(filter), placeholderData: keepPreviousData });
  const agents = useQuery(queries.agents());
  const searched = filter.q !== undefined;
  const total = servers.data?.total ?? 0;
  return (
    <Page
      title="Servers"
      lead="Database servers that your agents log in to."
      actions={agents.data?.total ? add : undefined}
    >
      {(total > 0 || searched) && (
        <SearchField label="Search servers" value={filter.q ?? ''} onChange={setSearch} />
      )}
      <ErrorCard error={servers.error} onRetry={() => void servers.refetch()} />
      <Card flush>
        {servers.isPending && <Skeleton />}
        {servers.data?.total === 0 &&
          !searched &&
          (agents.data?.total === 0 ? (
            <NoAgent />
          ) : (
            <Empty title="No server yet" action={add}>
              Tell an agent where your database server listens and which account it may use.
            </Empty>
          ))}
        {total > 0 && <ServerTable filter={filter} total={total} />}
        {servers.data?.total === 0 && searched && <Empty title="No server matches." />}
      </Card>
    </Page>
  );
}
