import { useMutation } from '@tanstack/react-query';
import { PlugZap } from 'lucide-react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { acts } from '../api/acts.ts';
import type { Agent, DiscoveredServer, EngineDescriptor, Server } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { Card } from '../components/layout.tsx';
import type { Found } from '../components/use-found.ts';
import { AccountHelp } from './account-help.tsx';
import { ConnectionFields } from './connection-fields.tsx';
import { DiscoveredServers, suggestedName } from './discovered.tsx';
import { ProbeResult } from './probe-result.tsx';
import { foundValues, initialValues, type ServerDraft, sealDraft } from './server-draft.ts';
import { ChooseAgent, ChooseEngine } from './server-placement.tsx';

interface ServerFormProps {
  agents: Agent[];
  /** Adding: the agents to choose from. */
  found?: Found<Agent>;
  engines: EngineDescriptor[];
  start: ServerDraft;
  /** Adding: agent and engine can be chosen. */
  adding: boolean;
  /** Address and engine are filled in already; what else the host has need not be shown. */
  filledIn?: boolean;
  onSaved: (server: Server) => void;
}

/** The form of a server; its fields come from the engine's descriptor. */
export function ServerForm({ agents, engines, found, start, adding, filledIn, onSaved }: ServerFormProps) {
  const [draft, setDraft] = useState(start);
  const form = useRef<HTMLFormElement>(null);
  const [chosen, setChosen] = useState(filledIn ? 1 : 0);
  // The password is what is left to type; a page that has just opened puts the reader at its heading first.
  useEffect(() => {
    if (chosen === 0) return;
    const frame = requestAnimationFrame(() =>
      form.current?.querySelector<HTMLInputElement>('input[type=password]')?.focus(),
    );
    return () => cancelAnimationFrame(frame);
  }, [chosen]);
  const agent = agents.find(({ id }) => id === draft.agentId);
  const engine = engines.find(({ id }) => id === draft.engine);
  const change = (changes: Partial<ServerDraft>) => {
    setDraft((present) => ({ ...present, ...changes }));
    probe.reset();
    save.reset();
  };
  const choose = (server: DiscoveredServer) => {
    const next = engines.find(({ id }) => id === server.engine);
    if (!agent || !next) return;
    const name = suggestedName(agent, server, next.defaultPort);
    change({ engine: next.id, name, values: foundValues(next, server) });
    setChosen(chosen + 1);
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
    <form ref={form} className="grid max-w-4xl gap-5" onSubmit={submit}>
      {adding && found && (
        <Card title="Agent">
          <ChooseAgent
            agents={agents}
            found={found}
            value={draft.agentId}
            onChange={(agentId) => change({ agentId })}
          />
        </Card>
      )}
      {adding && !filledIn && agent?.state === 'online' && (
        <DiscoveredServers
          agent={agent}
          action={(server, label) => (
            <Button size="small" aria-label={`Choose ${label}`} onClick={() => choose(server)}>
              Choose
            </Button>
          )}
        />
      )}
      <Card title="Server">
        <div className="grid gap-4 sm:grid-cols-2">
          {adding && (
            <ChooseEngine
              engines={engines}
              value={draft.engine}
              onChange={(next) => change({ engine: next.id, values: initialValues(next) })}
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

function NeedsHttps() {
  return (
    <Card title="Passwords need HTTPS">
      <div className="grid gap-3">
        <p>
          This page was loaded without HTTPS, so a password typed here could be read on its way. Open Homeport
          over HTTPS, or add the server on the agent’s host (in a checkout: agent/homeport-agent):
        </p>
        <CodeBlock text="homeport-agent server add --help" label="Command that adds a server on the host" />
      </div>
    </Card>
  );
}
