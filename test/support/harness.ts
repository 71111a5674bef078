import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Agent, type AgentOptions, startAgent } from './agent.ts';
import type { Api } from './api.ts';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from './control-plane.ts';

export interface HomeportOptions {
  controlPlane?: Partial<ControlPlaneOptions>;
  /** Leaves the set-up link for a person to use: the API key is then made on the host. */
  unclaimed?: boolean;
}

/** A whole Homeport: a control plane process, an API key, and as many agent processes as asked for. */
export interface Homeport extends AsyncDisposable {
  /** Everything of it: `data/`, `agents/<name>/`, `logs/`. */
  readonly directory: string;
  readonly controlPlane: ControlPlane;
  readonly api: Api;
  /** Enrols and starts an agent. */
  agent(name: string, options?: Partial<AgentOptions>): Promise<Agent>;
  /** Ends all processes; the directory goes too, unless it is kept as wreckage to look at. */
  stop(options?: { keep?: boolean }): Promise<void>;
}

export async function startHomeport(options: HomeportOptions = {}): Promise<Homeport> {
  const directory = await mkdtemp(join(tmpdir(), 'homeport-'));
  const logDirectory = join(directory, 'logs');
  await mkdir(logDirectory);
  // A caller that ends half-way takes its processes along (see child.ts); the directory goes the same way.
  const atExit = () => rmSync(directory, { recursive: true, force: true });
  process.once('exit', atExit);
  const controlPlane = await startControlPlane({
    data: join(directory, 'data'),
    logDirectory,
    ...options.controlPlane,
  });
  const agents: Agent[] = [];
  const stop = async ({ keep = false } = {}) => {
    await Promise.all(agents.map((agent) => agent.kill()));
    await controlPlane.kill();
    process.off('exit', atExit);
    if (keep) console.error(`Kept for a look: ${directory}`);
    else await rm(directory, { recursive: true, force: true });
  };
  try {
    const api = options.unclaimed ? await controlPlane.createApi('harness') : await controlPlane.claim();
    return {
      directory,
      controlPlane,
      api,
      agent: async (name, extra) => {
        const state = join(directory, 'agents', name);
        const agent = await startAgent({ name, state, logDirectory, api, ...extra });
        agents.push(agent);
        return agent;
      },
      stop,
      [Symbol.asyncDispose]: () => stop(),
    };
  } catch (error) {
    await stop({ keep: true });
    throw error;
  }
}
