import { basename } from 'node:path';
import { expect, vi } from 'vitest';
import type { RunningJob } from '../../../control-plane/vault/service.ts';
import type { Fleet } from './fleet.ts';
import type { World } from './world.ts';

/** Until a check holds; busy processors may take their time. */
export const waited = (check: () => unknown) => vi.waitFor(check, { timeout: 30_000 });

/** A committed backup whose job is over. */
export async function backUp(w: World, fleet: Fleet, dump: Buffer): Promise<RunningJob> {
  const job = await w.backUp(fleet, dump);
  w.end(job);
  return job;
}

/** Frees space and waits until it is gone from the disk. */
export async function collect(w: World) {
  const { service } = w.vaults;
  service.collectVault(w.vaultId);
  const record = () => service.vaults().find(({ id }) => id === w.vaultId);
  await waited(() => expect(record()?.collection?.finishedAt).not.toBeNull());
  expect(record()?.collection?.failure).toBeNull();
  await waited(() => expect(record()?.leaving.files).toBe(0));
  return record()?.collection;
}

export async function dumpOf(w: World, snapshotId: string): Promise<Buffer> {
  const { body } = await w.vaults.service.download(snapshotId);
  return Buffer.concat(await Array.fromAsync(body as unknown as AsyncIterable<Uint8Array>));
}

export const packNames = async (w: World) => (await w.files('packs')).map((path) => basename(path)).sort();
