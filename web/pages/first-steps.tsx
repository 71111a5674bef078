import { Link } from '@tanstack/react-router';
import { Circle, CircleCheck } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Overview, Server, Vault } from '../api/types.ts';
import { buttonClass } from '../components/button.tsx';
import { Card } from '../components/layout.tsx';
import { KitWarning, RecoveryKitButton } from './recovery-kit.tsx';

interface Step {
  title: string;
  text: ReactNode;
  done: boolean;
  action: ReactNode;
  /** Can be done whatever is still to do before it. */
  anytime?: boolean;
}

interface FirstStepsProps {
  overview: Overview;
  servers: Server[];
  vaults: Vault[];
}

function steps({ overview, servers, vaults }: FirstStepsProps): Step[] {
  const [server] = servers;
  const waiting = overview.attention[0];
  return [
    {
      title: 'Add an agent',
      text: 'It runs next to your databases and dials out to this control plane.',
      done: overview.agents.total > 0,
      action: (
        <Link to="/agents" className={buttonClass('primary', 'small')}>
          Add an agent
        </Link>
      ),
    },
    {
      title: 'Add a server',
      text: 'Tell the agent where the database server listens and which account to use.',
      done: servers.length > 0,
      action: (
        <Link to="/servers/new" className={buttonClass('primary', 'small')}>
          Add a server
        </Link>
      ),
    },
    {
      title: 'Choose databases',
      text: 'Pick from the list the agent finds on the server.',
      done: overview.databases.total > 0,
      action: server && (
        <Link
          to="/servers/$serverId"
          params={{ serverId: server.id }}
          className={buttonClass('primary', 'small')}
        >
          Choose databases
        </Link>
      ),
    },
    {
      title: 'Make the first backup',
      text: 'Open a database and press “Back up now”.',
      done: overview.storage.snapshots > 0,
      action: waiting ? (
        <Link
          to="/databases/$databaseId"
          params={{ databaseId: waiting.databaseId }}
          className={buttonClass('primary', 'small')}
        >
          Open {waiting.name}
        </Link>
      ) : (
        <Link to="/databases" className={buttonClass('primary', 'small')}>
          Go to databases
        </Link>
      ),
    },
    saveKits(vaults, overview.storage.snapshots > 0 ? 'primary' : 'plain'),
  ];
}

function saveKits(vaults: Vault[], look: 'primary' | 'plain'): Step {
  const open = vaults.filter((vault) => vault.kitDownloadedAt === null);
  return {
    title: 'Save the recovery kit',
    text: (
      <>
        <p>With it, backups come back even if this control plane is lost.</p>
        <KitWarning />
      </>
    ),
    done: open.length === 0,
    action: (
      <div className="grid gap-2">
        {open.map((vault) => (
          <RecoveryKitButton
            key={vault.id}
            vault={vault}
            look={look}
            of={vaults.length > 1 ? vault.name : undefined}
          />
        ))}
      </div>
    ),
    anytime: true,
  };
}

/** Whether somebody new still has something to do. */
export function hasFirstSteps(overview: Overview, vaults: Vault[]): boolean {
  return overview.storage.snapshots === 0 || vaults.some((vault) => vault.kitDownloadedAt === null);
}

/** From nothing to the first snapshot, and to the kit that outlives this control plane. */
export function FirstSteps(props: FirstStepsProps) {
  const list = steps(props);
  const next = list.findIndex(({ done }) => !done);
  return (
    <Card title="First steps">
      <ol className="grid gap-4">
        {list.map((step, index) => (
          <li key={step.title} className="flex items-start gap-3">
            {step.done ? (
              <CircleCheck aria-hidden size={20} className="mt-0.5 shrink-0 text-ok" />
            ) : (
              <Circle
                aria-hidden
                size={20}
                className={`mt-0.5 shrink-0 ${index === next ? 'text-accent' : 'text-control'}`}
              />
            )}
            <div className="grid flex-1 gap-0.5">
              <p className={step.done ? 'text-ink-3' : 'font-medium'}>
                {step.title}
                {step.done && <span className="sr-only"> (done)</span>}
              </p>
              {!step.done && <div className="text-ink-2">{step.text}</div>}
              {(index === next || (step.anytime && !step.done)) && <div className="mt-2">{step.action}</div>}
            </div>
          </li>
        ))}
      </ol>
    </Card>
  );
}
