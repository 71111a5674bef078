import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { AgentConfig } from '../../agent/config.ts';
import { enrol } from '../../agent/connection/enrol.ts';
import { type AgentIdentity, ensureIdentity } from '../../agent/identity.ts';
import { type RunningAgent, startAgent } from '../../agent/run.ts';
import { type PinnedControlPlane, saveControlPlane } from '../../agent/state/control-plane.ts';
import type { Peer } from './peer.ts';

/** A state directory that is removed at the end. */
export async function temporaryState(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'homeport-agent-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Enrols a new identity with a peer, over HTTP. */
export async function enrolAt(
  peer: Peer,
  stateDir: string,
): Promise<{ identity: AgentIdentity; pinned: PinnedControlPlane }> {
  const identity = await ensureIdentity(stateDir);
  const { url, token } = peer;
  const pinned = await enrol({ url, token, name: 'test', identity, allowedKey: undefined });
  await saveControlPlane(stateDir, pinned);
  return { identity, pinned };
}

/** A whole agent in this process, as `homeport-agent run` starts it. */
export function runAgent(stateDir: string, config: Partial<AgentConfig> = {}): Promise<RunningAgent> {
  const defaults: AgentConfig = {
    stateDir,
    releaseKeyFile: join(stateDir, 'release-key'),
    policy: { restore: 'allow', update: 'allow' },
    controlPlaneKey: undefined,
    maxJobs: 2,
    outageLimitMs: 60_000,
    drillDirectory: '/var/tmp',
    logLevel: 'silent',
  };
  return startAgent({ ...defaults, ...config }, pino({ level: process.env.AGENT_LOG ?? 'silent' }));
}
