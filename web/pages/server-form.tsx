import { useMutation } from '@tanstack/react-query';
import { PlugZap } from 'lucide-react';
import { type FormEvent, type ReactNode, useState } from 'react';
import { acts } from '../api/acts.ts';
import type { Agent, EngineDescriptor, Server } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Field, TextField } from '../components/field.tsx';
import { Card } from '../components/layout.tsx';
import { AccountHelp } from './account-help.tsx';
import { ConnectionFields } from './connection-fields.tsx';
import { ProbeResult } from './probe-result.tsx';
import { initialValues, type ServerDraft, sealDraft } from './server-draft.ts';

interface ServerFormProps {
  agents: Agent[];
  engines: EngineDescriptor[];
  start: ServerDraft;
  /** Adding: agent and engine can be chosen. */
  adding: boolean;
  onSaved: (server: Server) => void;
}

/** The form of a server; its fields come from the engine's descriptor. */
export function ServerForm({ agents, engines, start, adding, onSaved }: ServerFormProps) {
  const [draft, setDraft] = useState(start);
  const agent = agents.find(({ id }) => id === draft.agentId);
  const engine = engines.find(({ id }) => id === draft.engine);
  const change = (changes: Partial<ServerDraft>) => {
    setDraft((present) => ({ ...present, ...changes }));
    probe.reset();
    save.reset();
  };
  const seal = async () => {
    if (!agent || !engine) throw new Error('Choose an agent and an engine first.');
    return sealDraft(draft, engine, agent);
  };
  const probe = useMutation({
    mutationFn: async () => {
      const { agentId, id, sealed } = await seal();
      const name = draft.name.trim();
      return acts.probeServer({ agentId, serverId: id, sealed, ...(name ? { name } : {}) });
    },
  });
  const save = useMutation({
    mutationFn: async () => (adding ? acts.addServer(await seal()) : acts.editServer(await seal())),
    onSuccess: onSaved,
  });
  // What is saved has been seen to work, unless a person insists: a typo would break the next backup.
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (probe.data) save.mutate();
    else probe.mutate(undefined, { onSuccess: () => save.mutate() });
  };
  if (!window.isSecureContext) return <NeedsHttps />;
  return (
    <form className="grid max-w-4xl gap-5" onSubmit={submit}>
      <Card title="Server">
        <div className="grid gap-4 sm:grid-cols-2">
          {adding && (
            <Placement
              agents={agents}
              engines={engines}
              draft={draft}
              onAgent={(agentId) => change({ agentId })}
              onEngine={(next) => change({ engine: next.id, values: initialValues(next) })}
            />
          )}
          <TextField
            label="Name"
            required
            autoComplete="off"
            help="How this server is called here."
            value={draft.name}
            onChange={(name) => setDraft({ ...draft, name })}
          />
        </div>
      </Card>
      {engine && (
        <Card title="Connection, as the agent sees it">
          <ConnectionFields
            engine={engine}
            values={draft.values}
            retyped={!adding}
            onChange={(name, value) => change({ values: { ...draft.values, [name]: value } })}
          />
        </Card>
      )}
      {adding && engine && (
        <AccountHelp
          engine={engine}
          values={draft.values}
          onPassword={(name, value) => change({ values: { ...draft.values, [name]: value } })}
        />
      )}
      {probe.data && <ProbeResult facts={probe.data} />}
      <ErrorCard error={probe.error ?? save.error} />
      <div className="flex flex-wrap justify-end gap-2">
        <Button busy={probe.isPending} disabled={!agent} onClick={() => probe.mutate()}>
          <PlugZap aria-hidden size={16} />
          Test connection
        </Button>
        {probe.error && (
          <Button busy={save.isPending} onClick={() => save.mutate()}>
            Save anyway
          </Button>
        )}
        <Button look="primary" type="submit" busy={save.isPending} disabled={!agent || probe.isPending}>
          {adding ? 'Save server' : 'Save changes'}
        </Button>
      </div>
    </form>
  );
}

interface PlacementProps {
  agents: Agent[];
  engines: EngineDescriptor[];
  draft: ServerDraft;
  onAgent: (id: string) => void;
  onEngine: (engine: EngineDescriptor) => void;
}

function Placement({ agents, engines, draft, onAgent, onEngine }: PlacementProps): ReactNode {
  return (
    <>
      <Field label="Agent" help="It logs in to the server; the password is sealed to it.">
        {(attributes) => (
          <select
            {...attributes}
            className="control"
            value={draft.agentId}
            onChange={(event) => onAgent(event.target.value)}
          >
            {agents.map((agent) => (
              <option key={agent.id} value={agent.id} disabled={agent.state !== 'online'}>
                {agent.name}
                {agent.state === 'online' ? '' : ' (offline)'}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Engine">
        {(attributes) => (
          <select
            {...attributes}
            className="control"
            value={draft.engine}
            onChange={(event) => {
              const next = engines.find(({ id }) => id === event.target.value);
              if (next) onEngine(next);
            }}
          >
            {engines.map((engine) => (
              <option key={engine.id} value={engine.id}>
                {engine.label}
              </option>
            ))}
          </select>
        )}
      </Field>
    </>
  );
}

function NeedsHttps() {
  return (
    <Card title="Passwords need HTTPS">
      <div className="grid gap-3">
        <p>
          This page was loaded without HTTPS, so a password typed here could be read on its way. Open Homeport
          over HTTPS, or add the server on the agent’s host:
        </p>
        <CodeBlock
          text="agent/homeport-agent server add --help"
          label="Command that adds a server on the host"
        />
      </div>
    </Card>
  );
}
