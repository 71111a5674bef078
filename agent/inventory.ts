import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { ENGINE_IDS } from '../protocol/engines/registry.ts';
import { toFailure } from '../protocol/failure.ts';
import { JOB_KINDS } from '../protocol/job.ts';
import { type Inventory, REQUESTS } from '../protocol/messages.ts';
import type { UpdateStanding } from '../protocol/update.ts';
import { HOMEPORT_VERSION } from '../protocol/version.ts';
import type { JobParts } from './jobs/parts.ts';
import type { Log } from './log.ts';

export interface InventoryParts extends Pick<JobParts, 'servers' | 'policy' | 'driverFor'> {
  updateStanding(): Promise<UpdateStanding>;
}

/** What the agent says about its host, its tools and its servers at each connection. */
export async function takeInventory(parts: InventoryParts, log: Log): Promise<Inventory> {
  const found = await Promise.all(
    ENGINE_IDS.map(async (engine) => {
      try {
        const tools = await parts.driverFor(engine).detect();
        return tools.map(({ name, path, version }) => ({ engine, name, path, version }));
      } catch (error) {
        log.warn({ engine, failure: toFailure(error) }, 'looking for client tools failed');
        return [];
      }
    }),
  );
  return {
    hostname: os.hostname(),
    os: await operatingSystem(),
    arch: os.arch(),
    nodeVersion: process.version,
    version: HOMEPORT_VERSION,
    tools: found.flat().slice(0, 100),
    servers: (await parts.servers.list()).slice(0, 500),
    policy: parts.policy,
    requests: Object.keys(REQUESTS),
    jobs: [...JOB_KINDS],
    update: await parts.updateStanding(),
  };
}

async function operatingSystem(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^PRETTY_NAME="?([^"\n]+)/m.exec(release)?.[1] ?? `${os.type()} ${os.release()}`;
}
