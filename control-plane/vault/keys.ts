import type { KeyObject } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { z } from 'zod';
import { ed25519Private, ed25519Raw, generateEd25519 } from '../../protocol/keys.ts';
import { writeDurably } from '../durable.ts';
import { keyFileNames, keysFolder } from '../keys/folder.ts';
import type { MasterKey } from '../keys/master.ts';
import { LOCAL, type StoreChoice, storeChoiceSchema } from './stores/choice.ts';

/** The private half of a managed vault, in memory. */
export interface VaultSecrets {
  vaultId: string;
  name: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** age identity that opens the vault's key files. */
  identity: string;
  /** Its public half, age1…. */
  recipient: string;
  /** Ed25519, private: certifies agents and recipient lists. */
  signing: KeyObject;
  /** Its public half, base64url. */
  signingKey: string;
  /** Where its files are, with what opens that. */
  store: StoreChoice;
  /** Where the second copy of its files is kept, if there is one. */
  replica?: StoreChoice | undefined;
  /** Text of its `vault.json`, for when its store cannot be asked; absent for one on this host without a replica. */
  statement?: string | undefined;
}

const keyFileSchema = z.object({
  v: z.literal(1),
  vaultId: z.uuid(),
  name: z.string(),
  createdAt: z.number().int(),
  identity: z.string(),
  signing: z.string(),
  store: storeChoiceSchema.default(LOCAL),
  replica: storeChoiceSchema.optional(),
  statement: z.string().optional(),
});

const KEY_FILE = /^vault-([0-9a-f-]{36})\.json$/;
const labelOf = (vaultId: string) => `vault ${vaultId}`;

export type Sealing = Pick<MasterKey, 'seal' | 'open'>;

/** New secrets, in memory only. */
export async function generateVaultSecrets(
  facts: Pick<VaultSecrets, 'vaultId' | 'name' | 'createdAt' | 'store'>,
): Promise<VaultSecrets> {
  const identity = await generateX25519Identity();
  const { key } = generateEd25519();
  return describe({ ...facts, identity }, key);
}

/** Keeps the secrets in `<data>/keys/vault-<id>.json`, sealed under the master key. */
export async function keepVaultSecrets(
  dataDir: string,
  master: Sealing,
  secrets: VaultSecrets,
): Promise<void> {
  const { vaultId, name, createdAt, identity, replica, statement, store } = secrets;
  const signing = secrets.signing.export({ type: 'pkcs8', format: 'pem' }).toString();
  const facts = { v: 1, vaultId, name, createdAt, identity, signing, store, replica, statement };
  await mkdir(keysFolder(dataDir), { recursive: true, mode: 0o700 });
  await writeDurably(
    join(keysFolder(dataDir), `vault-${vaultId}.json`),
    master.seal(labelOf(vaultId), JSON.stringify(facts)),
  );
}

/** The secrets of every vault in the data directory, oldest first. @throws FailureError `key_missing` */
export async function loadVaultSecrets(dataDir: string, master: Sealing): Promise<VaultSecrets[]> {
  const found: VaultSecrets[] = [];
  for (const file of await keyFileNames(dataDir)) {
    const vaultId = KEY_FILE.exec(file)?.[1];
    if (vaultId === undefined) continue;
    const sealed = await readFile(join(keysFolder(dataDir), file), 'utf8');
    const { signing, ...facts } = keyFileSchema.parse(JSON.parse(master.open(labelOf(vaultId), sealed)));
    found.push(await describe(facts, ed25519Private(signing)));
  }
  return found.sort((a, b) => a.createdAt - b.createdAt);
}

async function describe(
  facts: Pick<
    VaultSecrets,
    'vaultId' | 'name' | 'createdAt' | 'identity' | 'store' | 'replica' | 'statement'
  >,
  signing: KeyObject,
): Promise<VaultSecrets> {
  const recipient = await identityToRecipient(facts.identity);
  const { vaultId, name, createdAt, identity, replica, statement, store } = facts;
  const signingKey = ed25519Raw(signing);
  const keys = { identity, recipient, signing, signingKey };
  return { vaultId, name, createdAt, ...keys, store, replica, statement };
}
