import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { queries } from '../api/queries.ts';
import { ErrorCard } from '../components/failure.tsx';
import { Page, Skeleton } from '../components/layout.tsx';
import { initialValues } from './server-draft.ts';
import { ServerForm } from './server-form.tsx';

const route = getRouteApi('/app/servers/$serverId/edit');

export function EditServerPage() {
  const { serverId } = route.useParams();
  const server = useQuery(queries.server(serverId));
  const agent = useQuery({ ...queries.agent(server.data?.agentId ?? ''), enabled: server.isSuccess });
  const engines = useQuery(queries.engines());
  const navigate = useNavigate();
  const engine = engines.data?.find(({ id }) => id === server.data?.engine);
  const toServer = () => void navigate({ to: '/servers/$serverId', params: { serverId } });
  const error = server.error ?? agent.error ?? engines.error;
  return (
    <Page
      title={server.data ? `Edit ${server.data.name}` : 'Edit server'}
      back={
        <Link to="/servers/$serverId" params={{ serverId }} className="hover:text-ink">
          {server.data?.name ?? 'Server'}
        </Link>
      }
      lead="Any change needs the password again: it is sealed to the agent together with its destination."
    >
      <ErrorCard error={error} />
      {server.data && agent.data && engine ? (
        <ServerForm
          adding={false}
          agents={[agent.data]}
          engines={[engine]}
          start={{
            id: server.data.id,
            agentId: agent.data.id,
            engine: engine.id,
            name: server.data.name,
            values: initialValues(engine, server.data.connection),
          }}
          onSaved={toServer}
        />
      ) : (
        !error && <Skeleton rows={6} />
      )}
    </Page>
  );
}
