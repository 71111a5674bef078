import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FailureError, fail } from '../../protocol/failure.ts';
import type { VaultContext } from './context.ts';
import { createVault, type OpenVault, openVault, type VaultGround } from './create.ts';
import { keepVaultSecrets } from './keys.ts';
import { vaultRow } from './records.ts';
import { refreshRecoveryFiles } from './recovery/files.ts';
import type { BucketWish } from './service.ts';
import type { S3Options } from './stores/s3-options.ts';

/**
 * Makes a vault in a bucket, once the bucket has proved that it can be one.
 * @throws FailureError `conflict` for a name or place that is taken, else what the test of the bucket found
 */
export async function addBucketVault(
  ground: VaultGround,
  context: VaultContext,
  { name, store }: BucketWish,
): Promise<OpenVault> {
  if ([...context.vaults.values()].some(({ secrets }) => secrets.name === name))
    throw fail('conflict', `There is a vault “${name}” already.`, 'Choose another name.');
  const vault = await createVault(ground, { name, store: await proveBucket(ground, store) });
  context.vaults.set(vault.id, vault);
  context.index.addVault(vaultRow(vault));
  const stale = await refreshRecoveryFiles(vault);
  // The next start tries again; but who has just made the vault should know that it is not whole.
  if (stale) throw new FailureError(stale);
  return vault;
}

/**
 * Gives a vault other keys to its bucket, or other ways to use it. It stays where it is.
 * @throws FailureError `conflict` for a vault that is elsewhere, else what the test of the bucket found
 */
export async function changeBucket(
  ground: VaultGround,
  { store, vault }: { vault: OpenVault; store: S3Options },
): Promise<OpenVault> {
  const { secrets } = vault;
  const before = secrets.store;
  if (before.kind === 'local' || before.bucket !== store.bucket || before.prefix !== store.prefix)
    throw fail(
      'conflict',
      `The vault “${secrets.name}” is in ${vault.place}, and stays there.`,
      'Give the same bucket and folder; make a new vault for another place.',
    );
  const changed = await openVault(ground, { ...secrets, store: await proveBucket(ground, store) });
  if (changed.unreachable) throw new FailureError(changed.unreachable);
  await keepVaultSecrets(ground.dataDir, ground.master, changed.secrets);
  vault.secrets = changed.secrets;
  vault.store.setPrimary(changed.store.primary);
  return vault;
}

/** Tests a bucket. @returns the options, with what the bucket cannot do turned off */
export async function proveBucket(
  { dataDir, outgoing }: VaultGround,
  options: S3Options,
): Promise<S3Options> {
  const [{ S3Store }, { probeBucket, probeDirect }] = await Promise.all([
    import('./stores/s3.ts'),
    import('./stores/s3-probe.ts'),
  ]);
  const spool = join(dataDir, 'spool', `test-${randomUUID()}`);
  try {
    const store = new S3Store(options, { outgoing, spool, patience: 'short' });
    await probeBucket(store, options);
    return { ...options, direct: await probeDirect(store) };
  } finally {
    await rm(spool, { recursive: true, force: true });
  }
}
