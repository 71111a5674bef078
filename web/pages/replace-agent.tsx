import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { Agent, NewEnrolmentToken } from '../api/types.ts';
import { Button, buttonClass } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { count } from '../components/format.ts';
import { CommandStep } from './add-agent.tsx';

/** Makes a token for the place of an agent, shows the command, and leads on to what waits for credentials. */
export function ReplaceAgentDialog({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const [token, setToken] = useState<NewEnrolmentToken>();
  return (
    <Dialog title={`Replace ${agent.name}`} onClose={onClose} wide>
      {token ? (
        <SuccessorStep token={token} replaced={agent} onClose={onClose} />
      ) : (
        <WishStep agent={agent} onToken={setToken} />
      )}
    </Dialog>
  );
}

interface WishStepProps {
  agent: Agent;
  onToken: (token: NewEnrolmentToken) => void;
}

function WishStep({ agent, onToken }: WishStepProps) {
  const [name, setName] = useState(agent.name);
  const [typed, setTyped] = useState('');
  const online = agent.state === 'online';
  const create = useMutation({
    mutationFn: () =>
      acts.createEnrolmentToken({
        successorOf: agent.id,
        ...(name.trim() ? { name: name.trim() } : {}),
        ...(online ? { confirm: typed } : {}),
      }),
    onSuccess: onToken,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form className="grid gap-4" onSubmit={submit}>
      <div className="grid gap-2 text-ink-2">
        <p>
          For a host that is lost. An agent on another host takes the place of this one:{' '}
          {count(agent.serverCount, 'server')} with {count(agent.databaseCount, 'protected database')}, all
          snapshots and settings go on there. This agent’s keys are then refused for good.
        </p>
        <p>Passwords do not move: they were sealed to this agent. You type them once more.</p>
        {online && (
          <p className="font-medium text-ink">
            This agent is online. It is cut off as soon as the other one enrols, and its running jobs end.
          </p>
        )}
      </div>
      <TextField
        label="Name of the new agent"
        required
        autoComplete="off"
        value={name}
        onChange={setName}
        help="It may keep the name."
      />
      {online && (
        <TextField
          label={`Type “${agent.name}” to confirm`}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={setTyped}
        />
      )}
      <ErrorCard error={create.error} />
      <div className="flex justify-end">
        <Button
          look={online ? 'danger' : 'primary'}
          type="submit"
          busy={create.isPending}
          disabled={online && typed !== agent.name}
        >
          Show the command
        </Button>
      </div>
    </form>
  );
}

interface SuccessorStepProps {
  token: NewEnrolmentToken;
  replaced: Agent;
  onClose: () => void;
}

function SuccessorStep({ token, replaced, onClose }: SuccessorStepProps) {
  const successor = useQuery(queries.agent(replaced.id)).data?.successor;
  const { data: arrived } = useQuery({ ...queries.agent(successor?.id ?? ''), enabled: successor != null });
  return (
    <CommandStep
      token={token}
      note={
        <p className="text-sm text-ink-2">
          If the old host may have been in somebody else’s hands, put{' '}
          <code className="font-mono">--anew</code> before “--successor-of”: nothing it stored is reused then,
          everything is uploaded once.
        </p>
      }
      arrived={arrived}
      onClose={onClose}
      replaces={replaced.name}
      next={
        arrived && (
          <Link
            to="/agents/$agentId"
            params={{ agentId: arrived.id }}
            className={buttonClass('primary')}
            onClick={onClose}
          >
            {arrived.waitingServerCount > 0 ? 'Enter the passwords' : 'Go to the new agent'}
          </Link>
        )
      }
    />
  );
}
