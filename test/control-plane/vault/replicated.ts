import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VaultRecord } from '../../../control-plane/vault/vault-record.ts';
import { eventually } from '../../support/eventually.ts';
import { type World, world } from './world.ts';

export const place = () => mkdtemp(join(tmpdir(), 'homeport-replica-'));
export const record = (w: World) => w.vaults.service.vaults()[0] as VaultRecord;
export const downloaded = async (w: World, id: string) =>
  Buffer.concat(await Array.fromAsync((await w.vaults.service.download(id)).body));
export const addReplica = (w: World, path: string) =>
  w.vaults.service.setReplica(w.vaultId, { kind: 'local', path });

/** Everything is in the replica. */
export const current = (w: World) =>
  eventually('the replica is current', async () => {
    const { replica } = record(w);
    const whole = replica?.state === 'current' && replica.pending.packs === 0;
    return (whole && replica.snapshotCount === record(w).snapshotCount) || undefined;
  });

export const filesIn = async (folder: string) => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((one) => one.isFile() && !one.parentPath.includes('.staging'));
  return files.map((one) => join(one.parentPath, one.name).slice(folder.length + 1)).sort();
};

/** Two backups of one database in a vault with a replica that has everything. */
export async function replicated() {
  const [w, path] = [await world(), await place()];
  const fleet = await w.enrol();
  const dumps = [randomBytes(2_000_000), randomBytes(2_000_000)] as const;
  const first = await w.backUp(fleet, dumps[0]);
  await addReplica(w, path);
  const second = await w.backUp(fleet, dumps[1]);
  await current(w);
  const done = async () => {
    await w[Symbol.asyncDispose]();
    await rm(path, { recursive: true, force: true });
  };
  return { w, path, fleet, dumps, jobs: [first, second] as const, [Symbol.asyncDispose]: done };
}
