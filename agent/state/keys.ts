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

/** Keys this agent made, or took over: chunk-naming secrets of servers, and which data keys it vouches for. */
export interface KeyStore {
  /** The id key of a server, made at first use and durable once returned. */
  idKey(serverId: string): Promise<VaultKey>;
  /** A fresh data key; that it is ours is on disk before this returns, so before any chunk is sealed with it. */
  newDataKey(vaultId: string, serverId: string): Promise<VaultKey>;
  /** Hashes of the data keys this agent vouches for, by key id: only these may be deduplicated against. */
  ownDataKeys(vaultId: string, serverId: string): Promise<ReadonlyMap<string, string>>;
  /**
   * Takes over keys of the agent whose place this one took, once they are proved. Durable once resolved.
   * @returns false where the server has another id key already: chunks have other names then, and nothing is taken
   */
  adopt(place: { vaultId: string; serverId: string }, keys: AdoptedKeys): Promise<boolean>;
}

export interface AdoptedKeys {
  idKey: VaultKey;
  dataKeys: readonly { id: string; hash: string }[];
}

export function createKeyStore(stateDir: string): KeyStore {
  // One line per key: a file that is only ever appended to costs the same at the millionth backup.
  const dataKeysOf = (vaultId: string) => join(stateDir, 'data-keys', `${z.uuid().parse(vaultId)}.jsonl`);
  const note = (vaultId: string, serverId: string, keys: AdoptedKeys['dataKeys']) => {
    const lines = keys.map(({ hash, id }) => JSON.stringify({ keyId: id, hash, serverId }));
    return appendDurable(dataKeysOf(vaultId), lines.join('\n'));
  };
  let last: Promise<unknown> = Promise.resolve();
  /** Two first backups of one server must not make two keys. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = last.then(task);
    last = turn.catch(() => undefined); // the caller of `turn` has the error
    return turn;
  }
  return {
    idKey: (serverId) =>
      inTurn(
        async () =>
          (await storedIdKey(stateDir, serverId)) ?? storeIdKey(stateDir, serverId, generateVaultKey()),
      ),
    async newDataKey(vaultId, serverId) {
      const key = generateVaultKey();
      await note(vaultId, serverId, [{ id: key.id, hash: keyHash('data', key.secret) }]);
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
    adopt: ({ serverId, vaultId }, { dataKeys, idKey }) =>
      inTurn(async () => {
        const present =
          (await storedIdKey(stateDir, serverId)) ?? (await storeIdKey(stateDir, serverId, idKey));
        if (present.id !== idKey.id || !present.secret.equals(idKey.secret)) return false;
        await note(vaultId, serverId, dataKeys);
        return true;
      }),
  };
}

const idKeyPath = (stateDir: string, serverId: string) =>
  join(stateDir, 'id-keys', `${z.uuid().parse(serverId)}.json`);

async function storedIdKey(stateDir: string, serverId: string): Promise<VaultKey | undefined> {
  const stored = await readState(idKeyPath(stateDir, serverId), idKeySchema);
  return stored && { id: stored.id, secret: Buffer.from(stored.secret, 'base64url') };
}

async function storeIdKey(stateDir: string, serverId: string, key: VaultKey): Promise<VaultKey> {
  const file = { v: 1, id: key.id, secret: key.secret.toString('base64url') };
  await writeDurable(idKeyPath(stateDir, serverId), `${JSON.stringify(file)}\n`);
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
