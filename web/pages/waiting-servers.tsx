import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { Agent, EngineDescriptor, Server } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { count } from '../components/format.ts';
import { Card, Skeleton } from '../components/layout.tsx';
import { initialValues, sealDraft } from './server-draft.ts';
import { address, useEngineLabel } from './server-table.tsx';

/** What a successor still needs: the password of each server whose credentials were its predecessor's. */
export function WaitingServers({ agent, servers }: { agent: Agent; servers: Server[] }) {
  const engines = useQuery(queries.engines());
  if (servers.length === 0) return null;
  return (
    <Card title={`${count(servers.length, 'server')} waiting for credentials`} flush>
      <p className="px-4 pt-4 text-ink-2">
        This agent took the place of {agent.predecessor?.name ?? 'another one'}, and passwords were sealed to
        that one alone. Until they are typed again nothing of these servers is backed up.
      </p>
      {!engines.data && <Skeleton rows={2} />}
      {engines.data && (
        <ul className="divide-y divide-line">
          {servers.map((server) => (
            <li key={server.id} className="grid gap-3 p-4">
              <WaitingServer
                agent={agent}
                server={server}
                engine={engines.data.find(({ id }) => id === server.engine)}
              />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

interface WaitingServerProps {
  agent: Agent;
  server: Server;
  engine: EngineDescriptor | undefined;
}

function WaitingServer({ agent, server, engine }: WaitingServerProps) {
  const engineLabel = useEngineLabel();
  const { host, user } = server.connection;
  return (
    <>
      <div>
        <h3 className="font-semibold">
          <Link
            to="/servers/$serverId"
            params={{ serverId: server.id }}
            className="rounded-sm hover:underline"
          >
            {server.name}
          </Link>
        </h3>
        <p className="text-sm text-ink-2">
          {[engineLabel(server.engine), user && `as ${user}`, host && `at ${address(server)}`]
            .filter(Boolean)
            .join(' ')}
          , {count(server.databaseCount, 'protected database')}
        </p>
      </div>
      {engine && host && window.isSecureContext && (
        <PasswordForm agent={agent} server={server} engine={engine} />
      )}
      <div className="flex flex-wrap gap-x-6 gap-y-2">
        <details className="min-w-0 flex-1">
          <summary className="w-fit rounded-control text-sm font-medium text-ink-2">
            Enter it on the agent’s host instead
          </summary>
          <div className="mt-2">
            <CodeBlock text={hostCommand(server)} label={`Command that enters ${server.name} on the host`} />
          </div>
        </details>
        <Link
          to="/servers/$serverId/edit"
          params={{ serverId: server.id }}
          className="rounded-sm text-sm text-accent underline"
        >
          Change its address or account, too<span className="sr-only"> ({server.name})</span>
        </Link>
      </div>
    </>
  );
}

interface PasswordFormProps {
  agent: Agent;
  server: Server;
  engine: EngineDescriptor;
}

/** One field: everything else is as it was. What is saved was seen to work, unless a person insists. */
function PasswordForm({ agent, server, engine }: PasswordFormProps) {
  const [password, setPassword] = useState('');
  const client = useQueryClient();
  const secret = engine.fields.find(({ kind }) => kind === 'secret');
  const seal = () => {
    const { id, name } = server;
    const values = {
      ...initialValues(engine, server.connection),
      ...(secret ? { [secret.name]: password } : {}),
    };
    return sealDraft({ id, agentId: agent.id, engine: engine.id, name, values }, engine, agent);
  };
  const save = useMutation({
    mutationFn: async ({ untried }: { untried: boolean }) => {
      const sealed = await seal();
      const { agentId, id, name } = sealed;
      if (!untried) await acts.probeServer({ agentId, serverId: id, name, sealed: sealed.sealed });
      return acts.editServer(sealed);
    },
    onSuccess: () => {
      for (const topic of ['servers', 'agents', 'databases', 'overview'])
        void client.invalidateQueries({ queryKey: [topic] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({ untried: false });
  };
  return (
    <form className="grid gap-3" onSubmit={submit} aria-label={`Credentials of ${server.name}`}>
      <div className="flex flex-wrap items-end gap-3">
        <div className="min-w-56 flex-1">
          <TextField
            label={`${secret?.label ?? 'Password'} of ${server.name}`}
            type="password"
            autoComplete="new-password"
            value={password}
            onChange={setPassword}
          />
        </div>
        <Button look="primary" type="submit" busy={save.isPending} disabled={agent.state !== 'online'}>
          Log in and save<span className="sr-only"> {server.name}</span>
        </Button>
      </div>
      {agent.state !== 'online' && (
        <p className="text-sm text-ink-2">The agent has to be online to take it.</p>
      )}
      <ErrorCard error={save.error} />
      {save.error && (
        <div>
          <Button size="small" busy={save.isPending} onClick={() => save.mutate({ untried: true })}>
            Save anyway<span className="sr-only"> {server.name}</span>
          </Button>
        </div>
      )}
    </form>
  );
}

const OPTIONS = ['host', 'port', 'user', 'tls'];

/** The line for a shell on the agent's host; the password is asked for there. */
function hostCommand({ connection, engine, id, name }: Server): string {
  const option = (key: string) =>
    connection[key] === undefined ? [] : [`--${key}`, quoted(connection[key])];
  const others = Object.keys(connection).filter((key) => ![...OPTIONS, 'ca'].includes(key));
  return [
    ...['agent/homeport-agent', 'server', 'add', quoted(name), '--id', id, '--engine', engine],
    ...OPTIONS.flatMap(option),
    ...(connection.ca === undefined ? [] : ['--ca', 'ca.pem']),
    ...others.flatMap((key) => ['--set', quoted(`${key}=${connection[key]}`)]),
  ].join(' ');
}

/** As a shell takes it. */
function quoted(value: string | number | boolean): string {
  const text = String(value);
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
