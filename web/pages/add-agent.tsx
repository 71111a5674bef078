import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { CircleCheck, LoaderCircle } from 'lucide-react';
import { type FormEvent, type ReactNode, useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { Agent, NewEnrolmentToken } from '../api/types.ts';
import { Button, buttonClass } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { Time } from '../components/time.tsx';

/** Whoever comes is among the newest. */
const NEWEST = { order: 'newest' } as const;

/** Makes a token, shows the one command, and says when the agent has dialled in. */
export function AddAgentDialog({ onClose }: { onClose: () => void }) {
  const [token, setToken] = useState<NewEnrolmentToken>();
  const [known, setKnown] = useState<Set<string>>();
  return (
    <Dialog title="Add agent" onClose={onClose} wide>
      {token && known ? (
        <NewcomerStep token={token} known={known} onClose={onClose} />
      ) : (
        <NameStep
          onToken={(created, agents) => {
            setKnown(new Set(agents.map((agent) => agent.id)));
            setToken(created);
          }}
        />
      )}
    </Dialog>
  );
}

function NameStep({ onToken }: { onToken: (token: NewEnrolmentToken, agents: Agent[]) => void }) {
  const [name, setName] = useState('');
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: async () => {
      const { rows: agents } = await client.fetchQuery({ ...queries.agents(NEWEST), staleTime: 0 });
      const token = await acts.createEnrolmentToken(name.trim() ? { name: name.trim() } : {});
      return { token, agents };
    },
    onSuccess: ({ token, agents }) => onToken(token, agents),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form className="grid gap-4" onSubmit={submit}>
      <TextField
        label="Name"
        optional
        autoComplete="off"
        placeholder="db-host-1"
        help="How this agent is called here. Without one it takes its host’s name."
        value={name}
        onChange={setName}
      />
      <ErrorCard error={create.error} />
      <div className="flex justify-end">
        <Button look="primary" type="submit" busy={create.isPending}>
          Show the command
        </Button>
      </div>
    </form>
  );
}

interface NewcomerStepProps {
  token: NewEnrolmentToken;
  /** Agents there were before the token. */
  known: Set<string>;
  onClose: () => void;
}

function NewcomerStep({ token, known, onClose }: NewcomerStepProps) {
  const agents = useQuery(queries.agents(NEWEST));
  const arrived = agents.data?.rows.find((agent) => !known.has(agent.id));
  return (
    <CommandStep
      token={token}
      arrived={arrived}
      onClose={onClose}
      next={
        arrived && (
          <Link to="/servers/new" search={{ agent: arrived.id }} className={buttonClass('primary')}>
            Add a server
          </Link>
        )
      }
    />
  );
}

interface CommandStepProps {
  token: NewEnrolmentToken;
  /** The agent that used the token. */
  arrived: Agent | undefined;
  /** Name of the agent whose place the new one takes. */
  replaces?: string;
  /** What to know before it is run. */
  note?: ReactNode;
  /** Where to go once the agent is there. */
  next: ReactNode;
  onClose: () => void;
}

/** Shows the command of a token until its agent has come. */
export function CommandStep({ token, arrived, replaces, note, next, onClose }: CommandStepProps) {
  const client = useQueryClient();
  const withdraw = useMutation({
    mutationFn: () => acts.withdrawEnrolmentToken(token.id),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['enrolment-tokens'] });
      onClose();
    },
  });
  return (
    <div className="grid gap-4">
      <Instruction via={token.via} replaces={replaces} />
      <CodeBlock text={token.command} label="Command that enrols the agent" />
      {!arrived && note}
      <Arrival agent={arrived} expiresAt={token.expiresAt} />
      <ErrorCard error={withdraw.error} />
      <div className="flex flex-wrap justify-end gap-2">
        {arrived ? (
          <>
            <Button onClick={onClose}>Close</Button>
            {next}
          </>
        ) : (
          <>
            <Button busy={withdraw.isPending} onClick={() => withdraw.mutate()}>
              Withdraw the token
            </Button>
            <Button onClick={onClose}>Close, keep waiting</Button>
          </>
        )}
      </div>
    </div>
  );
}

interface InstructionProps extends Pick<NewEnrolmentToken, 'via'> {
  replaces: string | undefined;
}

function Instruction({ replaces, via }: InstructionProps) {
  const where = replaces === undefined ? 'the host' : 'the new host';
  const place = replaces === undefined ? '' : ` in the place of “${replaces}”`;
  const once = 'The token in it works once and is shown only now.';
  if (via === 'install') {
    return (
      <p>
        Run this on {where}; as root, leave “sudo” out. It checks what it downloads, installs the agent as a
        service{place} and waits until it is connected.{' '}
        {replaces === undefined && 'On a host that has one already it upgrades it.'} {once}
      </p>
    );
  }
  return (
    <p>
      Run this on {where}, in a checkout of Homeport. It enrols the agent{place} and starts it. {once} For a
      command that needs no checkout, run “npm run build” on the control plane’s host first.
    </p>
  );
}

function Arrival({ agent, expiresAt }: { agent: Agent | undefined; expiresAt: string }) {
  if (!agent) {
    return (
      <div role="status" className="flex gap-3 rounded-card border border-line p-4">
        <LoaderCircle aria-hidden size={18} className="mt-0.5 shrink-0 animate-spin text-accent" />
        <p>
          Waiting for the agent to dial in. The token expires <Time iso={expiresAt} />.
        </p>
      </div>
    );
  }
  const online = agent.state === 'online';
  return (
    <div role="status" className="flex gap-3 rounded-card border border-ok/40 bg-ok-soft p-4">
      <CircleCheck aria-hidden size={18} className="mt-0.5 shrink-0 text-ok" />
      <div>
        <p className="font-semibold">
          {agent.name} {online ? 'is connected' : 'has enrolled'}
        </p>
        <p className="text-ink-2">
          {online
            ? `${agent.inventory?.os ?? 'It'} answers from behind its own firewall.`
            : 'It will show as online as soon as it runs there.'}
        </p>
      </div>
    </div>
  );
}
