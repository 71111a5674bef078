import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../durable.ts';
import { keyFileNames, keysFolder } from './folder.ts';

const FILE = /^revoked-([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$/;

/**
 * Keeps in `<data>/keys/revoked-<agentId>` that an agent was revoked, and when. The certificates in the vaults
 * outlive the database, and bring the agent back when it is lost: so must what withdraws them. Durable once
 * resolved; the first time counts.
 * @param revokedAt milliseconds since the epoch
 */
export async function keepRevocation(dataDir: string, agentId: string, revokedAt: number): Promise<void> {
  if ((await loadRevocations(dataDir)).has(agentId)) return;
  await mkdir(keysFolder(dataDir), { recursive: true, mode: 0o700 });
  await writeDurably(
    join(keysFolder(dataDir), `revoked-${agentId}`),
    `${new Date(revokedAt).toISOString()}\n`,
  );
}

/** Ids of the agents that were revoked, with when. The file's name is what counts: a damaged one revokes too. */
export async function loadRevocations(dataDir: string): Promise<Map<string, number>> {
  const revoked = new Map<string, number>();
  for (const name of await keyFileNames(dataDir)) {
    const agentId = FILE.exec(name)?.[1];
    if (agentId === undefined) continue;
    const at = Date.parse((await readFile(join(keysFolder(dataDir), name), 'utf8')).trim());
    revoked.set(agentId, Number.isNaN(at) ? 0 : at);
  }
  return revoked;
}
