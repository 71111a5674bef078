import { join } from 'node:path';
import { z } from 'zod';
import { generateVaultKey, keyHash, type VaultKey } from '../../protocol/vault/keys.ts';
import { appendDurable, readState, readText, writeDurable } from './durable.ts';

const idKeySchema = z.object({
  v: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{32}$/),
  secret: z.base64url(),
});
const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const dataKeySchema = z.object({ keyId: hex(16), hash: hex(32), serverId: z.uuid() });

/** Keys this agent made: chunk-naming secrets of servers, and which data keys are its own. */
export interface KeyStore {
  /** The id key of a server, made at first use and durable once returned. */
  idKey(serverId: string): Promise<VaultKey>;
  /** A fresh data key; that it is ours is on disk before this returns, so before any chunk is sealed with it. */
  newDataKey(vaultId: string, serverId: string): Promise<VaultKey>;
  /** Hashes of the data keys this agent made for a server, by key id: only these may be deduplicated against. */
  ownDataKeys(vaultId: string, serverId: string): Promise<ReadonlyMap<string, string>>;
}

export function createKeyStore(stateDir: string): KeyStore {
  // One line per key: a file that is only ever appended to costs the same at the millionth backup.
  const dataKeysOf = (vaultId: string) => join(stateDir, 'data-keys', `${z.uuid().parse(vaultId)}.jsonl`);
  const making = new Map<string, Promise<VaultKey>>();
  return {
    idKey(serverId) {
      // Two first backups of one server must not make two keys.
      const started = making.get(serverId) ?? loadOrMakeIdKey(stateDir, serverId);
      making.set(serverId, started);
      return started.finally(() => making.delete(serverId));
    },
    async newDataKey(vaultId, serverId) {
      const key = generateVaultKey();
      const line = { keyId: key.id, hash: keyHash('data', key.secret), serverId };
      await appendDurable(dataKeysOf(vaultId), JSON.stringify(line));
      return key;
    },
    async ownDataKeys(vaultId, serverId) {
      const text = (await readText(dataKeysOf(vaultId))) ?? '';
      const keys = new Map<string, string>();
      for (const line of text.split('\n')) {
        const key = parseLine(line);
        if (key?.serverId === serverId) keys.set(key.keyId, key.hash);
      }
      return keys;
    },
  };
}

async function loadOrMakeIdKey(stateDir: string, serverId: string): Promise<VaultKey> {
  const path = join(stateDir, 'id-keys', `${z.uuid().parse(serverId)}.json`);
  const stored = await readState(path, idKeySchema);
  if (stored) return { id: stored.id, secret: Buffer.from(stored.secret, 'base64url') };
  const key = generateVaultKey();
  const file = { v: 1, id: key.id, secret: key.secret.toString('base64url') };
  await writeDurable(path, `${JSON.stringify(file)}\n`);
  return key;
}

/** A line torn by a crash counts as a key we do not know: its chunks are uploaded again. */
function parseLine(line: string): z.infer<typeof dataKeySchema> | undefined {
  try {
    return dataKeySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
