import { Command, InvalidArgumentError } from 'commander';
import type { Failure } from '../protocol/failure.ts';
import type { LoadConfig } from './cli.ts';
import { pause, systemClock } from './clock.ts';
import { printable } from './log.ts';
import { loadConnectionState } from './state/connection.ts';
import { loadControlPlane } from './state/control-plane.ts';
import { createJournal } from './state/journal.ts';
import { lockHolder } from './state/lock.ts';

/** How often a waiting `status` looks again, in milliseconds. */
const LOOK_AGAIN_MS = 250;

/** How an agent stands, as seen from its host. */
export interface AgentStatus {
  state: 'not-enrolled' | 'stopped' | 'connecting' | 'connected';
  /** Since when, where it runs. */
  since?: string;
  /** Process id and version of the agent that runs. */
  pid?: number;
  version?: string;
  /** The control plane it belongs to, and what it is there. */
  url?: string;
  agentId?: string;
  /** Jobs at work. */
  runningJobs: number;
  /** Why it is not connected. */
  failure?: Failure;
}

/** Reads an agent's state directory; nothing is asked of the agent itself. */
export async function agentStatus(stateDir: string): Promise<AgentStatus> {
  const pinned = await loadControlPlane(stateDir);
  const pid = await lockHolder(stateDir);
  const noted = await loadConnectionState(stateDir);
  const entries = pid === undefined ? [] : await createJournal(stateDir).entries();
  const membership = pinned ? { url: pinned.url, agentId: pinned.agentId } : {};
  const runningJobs = entries.filter(({ outcome }) => outcome === undefined).length;
  if (pid === undefined) return { state: pinned ? 'stopped' : 'not-enrolled', ...membership, runningJobs };
  // What another process noted is of the past: this one has not come to it yet.
  if (noted?.pid !== pid) return { state: 'connecting', pid, ...membership, runningJobs };
  const { failure, since, state, version } = noted;
  return { state, since, pid, version, ...membership, runningJobs, ...(failure ? { failure } : {}) };
}

/**
 * `homeport-agent status`: exit code 0 where the agent is connected, else 1.
 * @param ended told whether it is not, once that is printed
 */
export function statusCommand(config: LoadConfig, ended: (failed: boolean) => void): Command {
  return new Command('status')
    .description('tell whether the agent of this host is connected; ends with 0 if it is, else with 1')
    .option('--wait <seconds>', 'wait so long for it to be', parseSeconds, 0)
    .option('--json', 'print one JSON object')
    .action(async ({ json, wait }: { json?: true; wait: number }) => {
      const { stateDir } = await config();
      const status = await waitUntilConnected(stateDir, wait * 1000);
      process.stdout.write(printable(json ? `${JSON.stringify(status)}\n` : linesOf(status)));
      ended(status.state !== 'connected');
    });
}

async function waitUntilConnected(stateDir: string, limitMs: number): Promise<AgentStatus> {
  const deadline = systemClock.now() + limitMs;
  for (;;) {
    const status = await agentStatus(stateDir);
    if (status.state === 'connected' || systemClock.now() >= deadline) return status;
    await pause(systemClock, LOOK_AGAIN_MS, new AbortController().signal);
  }
}

const WORDS: Record<AgentStatus['state'], string> = {
  'not-enrolled': 'not enrolled',
  stopped: 'not running',
  connecting: 'not connected',
  connected: 'connected',
};

function linesOf({ agentId, failure, pid, runningJobs, since, state, url, version }: AgentStatus): string {
  const facts: [string, string | undefined][] = [
    ['State', `${WORDS[state]}${since ? ` since ${since}` : ''}`],
    ['Reason', failure && `${failure.message} (${failure.code})`],
    ['Remedy', failure?.hint],
    ['Enrolled at', url],
    ['Agent id', agentId],
    ['Process', pid === undefined ? undefined : `${pid}${version ? `, version ${version}` : ''}`],
    ['Jobs', pid === undefined ? undefined : `${runningJobs} running`],
  ];
  return facts
    .map(([name, value]) => (value === undefined ? '' : `${`${name}:`.padEnd(13)}${value}\n`))
    .join('');
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isFinite(seconds) || seconds < 0 || seconds > 3600)
    throw new InvalidArgumentError('give seconds from 0 to 3600');
  return seconds;
}
