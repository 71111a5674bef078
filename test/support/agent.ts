import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Api } from './api.ts';
import type { ApiAgent } from './api-shapes.ts';
import { bareEnvironment, type Child, ROOT, startChild } from './child.ts';
import { eventually } from './eventually.ts';

const AGENT = join(ROOT, 'agent/homeport-agent');

export interface AgentOptions {
  name: string;
  /** The agent's state directory. */
  state: string;
  logDirectory: string;
  api: Api;
  /** URL the agent dials, where it is not the control plane's own: a proxy in front. */
  url?: string;
  env?: Record<string, string>;
  /** Put before the command, e.g. `['ip', 'netns', 'exec', name]`. */
  prefix?: readonly string[];
  /** The agent whose place it takes; `confirm`: its name, where it is online. */
  successorOf?: { id: string; confirm?: string; anew?: boolean };
  /** What is started as the agent, where it is not this checkout's launcher. */
  program?: readonly string[];
}

type Start = Pick<AgentOptions, 'name' | 'state' | 'logDirectory' | 'env' | 'prefix' | 'program'>;

/** An agent in a process of its own, enrolled by a real token. */
export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** What `homeport-agent enrol` said. */
  readonly enrolled: string;
  process(): Child;
  /** Waits until the control plane sees it online and knows what it reported. */
  online(): Promise<ApiAgent>;
  offline(): Promise<ApiAgent>;
  /** Runs `homeport-agent …` on its state; rejects unless it ends with 0. */
  cli(args: string[], input?: string): Promise<string>;
  kill(): Promise<void>;
  stop(): Promise<void>;
  start(): void;
}

/** Makes a token, enrols, runs, and waits until the agent is online. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  await mkdir(options.state, { recursive: true });
  const { api, name, successorOf } = options;
  const place = successorOf ? { successorOf: successorOf.id, confirm: successorOf.confirm } : {};
  const after = successorOf
    ? ['--successor-of', successorOf.id, ...(successorOf.anew ? ['--anew'] : [])]
    : [];
  const { token } = await api.post<{ token: string }>('/enrolment-tokens', { name, ...place });
  const enrol = ['enrol', '--url', options.url ?? api.url, '--name', name];
  const enrolled = await runAgentCli(options, [...enrol, ...after], token);
  const pinned = await readFile(join(options.state, 'control-plane.json'), 'utf8');
  const id = String((JSON.parse(pinned) as { agentId: string }).agentId);
  let child = launchAgentCli(options, ['run']);
  const inState = (state: ApiAgent['state']) =>
    eventually(`agent ${name} is ${state}`, async () => {
      if (state === 'online' && !child.running())
        throw new Error(`Agent ${name} ended:\n${child.output().slice(-4000)}`);
      const agent = await api.get<ApiAgent>(`/agents/${id}`).catch(() => undefined);
      return agent?.state === state && (state !== 'online' || agent.inventory !== null) && agent;
    });
  await inState('online');
  return {
    id,
    name,
    state: options.state,
    enrolled,
    process: () => child,
    online: () => inState('online'),
    offline: () => inState('offline'),
    cli: (args, input) => runAgentCli(options, args, input),
    kill: () => child.end('SIGKILL'),
    stop: () => child.end('SIGTERM'),
    start: () => {
      child = launchAgentCli(options, ['run']);
    },
  };
}

/** Runs one `homeport-agent` command to its end; rejects with its output unless it ends with 0. */
export async function runAgentCli(options: Start, args: string[], input?: string): Promise<string> {
  const child = launchAgentCli(options, args, input);
  const code = await child.exited;
  if (code !== 0) throw new Error(`homeport-agent ${args[0]} ended with ${code}:\n${child.output()}`);
  return child.output();
}

/** Starts one `homeport-agent` command. */
export function launchAgentCli(options: Start, args: string[], input = ''): Child {
  const program = options.program ?? [AGENT];
  const command = [...(options.prefix ?? []), ...program, ...args] as [string, ...string[]];
  return startChild({
    name: `agent-${options.name}`,
    command,
    env: bareEnvironment({ HOMEPORT_AGENT_STATE: options.state, ...options.env }),
    logDirectory: options.logDirectory,
    input,
  });
}
