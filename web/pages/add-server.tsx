import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { queries } from '../api/queries.ts';
import type { Agent, EngineDescriptor } from '../api/types.ts';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Page, Skeleton } from '../components/layout.tsx';
import { NoAgent } from '../components/no-agent.tsx';
import { type Found, useFound } from '../components/use-found.ts';
import { foundValues, initialValues } from './server-draft.ts';
import { ServerForm } from './server-form.tsx';

const route = getRouteApi('/app/servers/new');
const back = (
  <Link to="/servers" className="hover:text-ink">
    Servers
  </Link>
);

export function AddServerPage() {
  const agents = useFound(queries.agents);
  const { agent: wanted } = route.useSearch();
  const linked = useQuery({ ...queries.agent(wanted ?? ''), enabled: wanted !== undefined });
  const engines = useQuery(queries.engines());
  const usable = [...agents.known, ...[linked.data ?? []].flat()].filter(({ state }) => state !== 'revoked');
  const isPending = agents.isPending || engines.isPending || (wanted !== undefined && linked.isPending);
  const [first] = engines.data ?? [];
  return (
    <Page title="Add server" back={back}>
      <ErrorCard error={agents.error ?? engines.error} />
      {isPending && <Skeleton rows={6} />}
      {!isPending && usable.length === 0 && (
        <Card>
          <NoAgent />
        </Card>
      )}
      {!isPending && usable.length > 0 && engines.data && first && (
        <NewServer agents={usable} found={agents} engines={engines.data} first={first} />
      )}
    </Page>
  );
}

interface NewServerProps {
  agents: Agent[];
  /** Those to choose from. */
  found: Found<Agent>;
  engines: EngineDescriptor[];
  /** The engine to begin with, where the address names none. */
  first: EngineDescriptor;
}

function NewServer({ agents, engines, first, found }: NewServerProps) {
  const { agent: wanted, engine: engineId, host, name, port } = route.useSearch();
  const navigate = useNavigate();
  const [start] = useState(() => {
    const online = agents.find(({ state }) => state === 'online');
    const agent = agents.find(({ id }) => id === wanted) ?? online ?? agents[0];
    const engine = engines.find(({ id }) => id === engineId) ?? first;
    const found = host !== undefined && port !== undefined ? { host, port } : undefined;
    return {
      id: crypto.randomUUID(),
      agentId: agent?.id ?? '',
      engine: engine.id,
      name: name ?? agent?.name ?? '',
      values: found ? foundValues(engine, found) : initialValues(engine),
    };
  });
  return (
    <ServerForm
      adding
      filledIn={host !== undefined}
      agents={agents}
      found={found}
      engines={engines}
      start={start}
      onSaved={(server) => void navigate({ to: '/servers/$serverId', params: { serverId: server.id } })}
    />
  );
}
