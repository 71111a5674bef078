import { randomUUID } from 'node:crypto';
import { type Failure, FailureError, fail } from '../../protocol/failure.ts';
import { openStatement, signStatement } from '../../protocol/vault/statement.ts';
import {
  generateVaultSecrets,
  keepVaultSecrets,
  loadVaultSecrets,
  type Sealing,
  type VaultSecrets,
} from './keys.ts';
import { VAULT_FILE } from './layout.ts';
import { PairedStore } from './replicas/paired-store.ts';
import { openStore, placeOf, type StoreChoice, type StoreGround } from './stores/choice.ts';
import type { Store } from './stores/store.ts';

/** A vault this process can read and write. */
export interface OpenVault {
  id: string;
  secrets: VaultSecrets;
  store: PairedStore;
  /** Where its files are: a directory, or a bucket or remote in words. */
  place: string;
  /** The same of its replica. */
  replicaPlace?: string | undefined;
  /** Text of its signed `vault.json`. */
  statement: string;
  /** Why a store far away could not be asked when the vault was opened. */
  unreachable?: Failure;
}

/** What vaults are opened and made with. */
export interface VaultGround extends StoreGround {
  master: Sealing;
}

/**
 * Opens every vault of the data directory, oldest first. One far away that does not answer is opened all the same.
 * @throws FailureError `store_unavailable` | `signature_invalid`
 */
export async function openVaults(ground: VaultGround): Promise<OpenVault[]> {
  const vaults: OpenVault[] = [];
  for (const secrets of await loadVaultSecrets(ground.dataDir, ground.master))
    vaults.push(await openVault(ground, secrets));
  return vaults;
}

/**
 * Makes a managed vault. The store comes first: where the key file exists, so does `vault.json`, and its absence
 * later means that the store is not there.
 * @throws FailureError `conflict` where the store holds a vault already
 */
export async function createVault(
  ground: VaultGround,
  wish: { name: string; store: StoreChoice },
): Promise<OpenVault> {
  const facts = { vaultId: randomUUID(), createdAt: Date.now(), ...wish };
  const secrets = await generateVaultSecrets(facts);
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
  if (wish.store.kind !== 'local') secrets.statement = statement;
  const store = new PairedStore(await openStore(ground, secrets.vaultId, { choice: wish.store }));
  const place = placeOf(ground, secrets.vaultId, wish.store);
  if (!(await store.putIfAbsent(VAULT_FILE, Buffer.from(statement))))
    throw fail(
      'conflict',
      `There is a vault already: ${place}.`,
      'Choose another folder: two vaults in one would be taken for each other.',
    );
  await keepVaultSecrets(ground.dataDir, ground.master, secrets);
  return { id: secrets.vaultId, secrets, store, place, statement };
}

/**
 * Opens one vault.
 * @throws FailureError `store_unavailable` where its files are not there, `signature_invalid` where they are another’s
 */
export async function openVault(ground: VaultGround, secrets: VaultSecrets): Promise<OpenVault> {
  const { replica: second, vaultId } = secrets;
  const primary = await openStore(ground, vaultId, { choice: secrets.store });
  const replica = second && (await openReplica(ground, vaultId, second));
  const store = new PairedStore(primary, replica);
  const place = placeOf(ground, vaultId, secrets.store);
  const replicaPlace = second && placeOf(ground, vaultId, second);
  const open = { id: vaultId, secrets, store, place, replicaPlace };
  try {
    return { ...open, statement: await readStatement({ place, secrets, store: primary }) };
  } catch (error) {
    // What is far away may be away for a while; the rest of the house goes on, and so does this vault later.
    const away = error instanceof FailureError && error.failure.code === 'store_unavailable';
    if (!away || secrets.statement === undefined) throw error;
    store.setMissing();
    return { ...open, statement: secrets.statement, unreachable: error.failure };
  }
}

/** Opens the store of a vault's second copy. @throws as {@link openStore} */
export function openReplica(ground: StoreGround, vaultId: string, choice: StoreChoice): Promise<Store> {
  return openStore(ground, vaultId, { choice, spoolName: `${vaultId}-replica` });
}

/**
 * Text of the `vault.json` in a store, proved to be that of this vault.
 * @throws FailureError `store_unavailable` where there is none, `signature_invalid` where it is another’s
 */
export async function readStatement({
  place,
  secrets,
  store,
}: {
  place: string;
  secrets: VaultSecrets;
  store: Store;
}): Promise<string> {
  if ((await store.size(VAULT_FILE)) === undefined)
    throw fail(
      'store_unavailable',
      `The store of the vault “${secrets.name}” is not there: ${place} has no ${VAULT_FILE}.`,
      secrets.store.kind === 'local'
        ? 'Mount the disk it is on, or put its directory back, and start again.'
        : 'Put the vault’s files back there, or correct where the vault says it is.',
    );
  const statement = (await store.read(VAULT_FILE)).toString('utf8');
  const { vaultId } = openStatement('vault', statement, secrets.signingKey);
  if (vaultId !== secrets.vaultId)
    throw fail(
      'signature_invalid',
      `${place} holds another vault.`,
      'Put the vault’s own files back: vault.json names it by its id.',
    );
  return statement;
}
