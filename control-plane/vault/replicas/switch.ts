import type { OpenVault, VaultGround } from '../create.ts';
import { keepVaultSecrets } from '../keys.ts';
import { AGENTS, idIn, KEYS, PACKS, SNAPSHOTS } from '../layout.ts';
import { copyFile } from './copy.ts';
import { type CopyTask, copyPass, type LostFile, replicaOf } from './pass.ts';

const KINDS = [
  [KEYS, 'key'],
  [AGENTS, 'agent'],
  [PACKS, 'pack'],
  [SNAPSHOTS, 'snapshot'],
] as const;

/**
 * Makes the replica the vault's store, and its store the replica, while backups go on. What is written from some moment
 * on is in both before it counts; what was before that is copied; then the two change places by one write of a file.
 * @returns what kept it from being done: files that are damaged in the vault itself; none where it is done
 * @throws FailureError where a store does not answer; the vault then stays where it is
 */
export async function switchStores(ground: VaultGround, task: CopyTask): Promise<LostFile[]> {
  const { vault } = task;
  const lost = await copyPass(task, { compare: true });
  if (lost.length > 0) return lost;
  vault.store.mirror(true);
  try {
    await copyListed(task);
    await exchange(ground, vault);
  } finally {
    vault.store.mirror(false);
  }
  return [];
}

/**
 * The same where the vault's store is lost: nothing can be copied any more, and what the replica lacks is gone.
 */
export async function exchange(ground: VaultGround, vault: OpenVault): Promise<void> {
  const { place, replicaPlace = '', secrets } = vault;
  if (!secrets.replica) throw new Error('the vault has no replica');
  const swapped = { ...secrets, store: secrets.replica, replica: secrets.store, statement: vault.statement };
  await keepVaultSecrets(ground.dataDir, ground.master, swapped);
  // From here to the end nothing else runs: no write finds one half of it.
  vault.store.swap();
  vault.secrets = swapped;
  vault.place = replicaPlace;
  vault.replicaPlace = place;
  delete vault.unreachable;
}

/** By the store's own list, not the index's: nothing that it has may be missing afterwards. Manifests come last. */
async function copyListed({ context, signal, vault }: CopyTask): Promise<void> {
  const [from, to] = [vault.store.primary, replicaOf(vault)];
  for (const [folder, kind] of KINDS)
    for await (const { length, name } of from.list(folder)) {
      signal.throwIfAborted();
      if (idIn(kind, name) === undefined || context.copies.has(vault.id, name)) continue;
      await copyFile(name, { from, to });
      context.copies.add({ vaultId: vault.id, name, length });
    }
}
