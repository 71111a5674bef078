import { FailureError, fail } from '../../protocol/failure.ts';
import type { VaultContext } from './context.ts';
import { createVault, type OpenVault, openVault, type VaultGround } from './create.ts';
import { keepVaultSecrets } from './keys.ts';
import { vaultRow } from './records.ts';
import { refreshRecoveryFiles } from './recovery/files.ts';
import type { VaultWish } from './service.ts';
import type { StoreChoice, StoreElsewhere } from './stores/choice.ts';
import { prove } from './stores/prove.ts';

/**
 * Makes a vault elsewhere than on this host, once the place has proved that it can hold one.
 * @throws FailureError `conflict` for a name or place that is taken, else what the test of the place found
 */
export async function addVault(
  ground: VaultGround,
  context: VaultContext,
  { name, store }: VaultWish,
): Promise<OpenVault> {
  if ([...context.vaults.values()].some(({ secrets }) => secrets.name === name))
    throw fail('conflict', `There is a vault “${name}” already.`, 'Choose another name.');
  const vault = await createVault(ground, { name, store: await prove(ground, store) });
  context.vaults.set(vault.id, vault);
  context.index.addVault(vaultRow(vault));
  const stale = await refreshRecoveryFiles(vault);
  // The next start tries again; but who has just made the vault should know that it is not whole.
  if (stale) throw new FailureError(stale);
  return vault;
}

/**
 * Gives a vault other keys to its store, or other ways to use it. It stays where it is.
 * @throws FailureError `conflict` for a vault that is elsewhere, else what the test of the place found
 */
export async function changeStore(
  ground: VaultGround,
  { store, vault }: { vault: OpenVault; store: StoreElsewhere },
): Promise<OpenVault> {
  const { secrets } = vault;
  if (!isSamePlace(secrets.store, store))
    throw fail(
      'conflict',
      `The vault “${secrets.name}” is in ${vault.place}, and stays there.`,
      'Give the same kind of store and the same folder; make a new vault for another place.',
    );
  const changed = await openVault(ground, { ...secrets, store: await prove(ground, store) });
  if (changed.unreachable) throw new FailureError(changed.unreachable);
  await keepVaultSecrets(ground.dataDir, ground.master, changed.secrets);
  vault.secrets = changed.secrets;
  vault.store.setPrimary(changed.store.primary);
  return vault;
}

/** Whether it can be: a service may have got another address, and what is in the folder says what vault it is. */
function isSamePlace(before: StoreChoice, after: StoreElsewhere): boolean {
  if (before.kind === 's3' && after.kind === 's3')
    return before.bucket === after.bucket && before.prefix === after.prefix;
  if (before.kind === 'rclone' && after.kind === 'rclone')
    return before.path === after.path && before.remote.type === after.remote.type;
  return false;
}
