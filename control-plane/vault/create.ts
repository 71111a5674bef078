import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fail } from '../../protocol/failure.ts';
import { openStatement, signStatement } from '../../protocol/vault/statement.ts';
import {
  generateVaultSecrets,
  keepVaultSecrets,
  loadVaultSecrets,
  type Sealing,
  type VaultSecrets,
} from './keys.ts';
import { VAULT_FILE } from './layout.ts';
import { LocalStore } from './stores/local.ts';
import type { Store } from './stores/store.ts';

/** A vault this process can read and write. */
export interface OpenVault {
  id: string;
  secrets: VaultSecrets;
  store: Store;
  /** Directory of the local store. */
  path: string;
  /** Text of its signed `vault.json`. */
  statement: string;
}

/** Opens every vault of the data directory, oldest first. @throws FailureError `store_unavailable` | `signature_invalid` */
export async function openVaults(dataDir: string, master: Sealing): Promise<OpenVault[]> {
  const vaults: OpenVault[] = [];
  for (const secrets of await loadVaultSecrets(dataDir, master))
    vaults.push(await openVault(dataDir, secrets));
  return vaults;
}

/**
 * Makes a managed vault in the data directory. The store comes first: where the key file exists, so does
 * `vault.json`, and its absence later means that the store is not mounted.
 */
export async function createVault(dataDir: string, master: Sealing, name: string): Promise<OpenVault> {
  const secrets = await generateVaultSecrets(randomUUID(), name, Date.now());
  const statement = signStatement(
    'vault',
    {
      format: 1,
      vaultId: secrets.vaultId,
      version: 1,
      recipients: [secrets.recipient],
      signingKey: secrets.signingKey,
      createdAt: new Date(secrets.createdAt).toISOString(),
    },
    secrets.signing,
  );
  const store = new LocalStore(pathOf(dataDir, secrets.vaultId));
  await store.putIfAbsent(VAULT_FILE, Buffer.from(statement));
  await keepVaultSecrets(dataDir, master, secrets);
  return { id: secrets.vaultId, secrets, store, path: pathOf(dataDir, secrets.vaultId), statement };
}

async function openVault(dataDir: string, secrets: VaultSecrets): Promise<OpenVault> {
  const path = pathOf(dataDir, secrets.vaultId);
  const store = new LocalStore(path);
  if ((await store.size(VAULT_FILE)) === undefined)
    throw fail(
      'store_unavailable',
      `The store of the vault “${secrets.name}” is not there: ${path} has no ${VAULT_FILE}.`,
      'Mount the disk the vault is on, or put its directory back, and start again.',
    );
  const statement = (await store.read(VAULT_FILE)).toString('utf8');
  const { vaultId } = openStatement('vault', statement, secrets.signingKey);
  if (vaultId !== secrets.vaultId)
    throw fail(
      'signature_invalid',
      `${path} holds another vault.`,
      'Put the vault’s own directory back: each is named by its id.',
    );
  return { id: vaultId, secrets, store, path, statement };
}

function pathOf(dataDir: string, vaultId: string): string {
  return join(dataDir, 'vaults', vaultId);
}
