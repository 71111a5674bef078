import { fail } from '../../protocol/failure.ts';
import { keyHash, unwrapKey } from '../../protocol/vault/keys.ts';
import { PACK_MAX_BYTES } from '../../protocol/vault/pack.ts';
import { requireOwner, type VaultContext, vaultOf } from './context.ts';
import { keyName, packName } from './layout.ts';
import { keysOf, type PackContents, readTrailer } from './packs.ts';
import type { BulkPlace, PackUpload } from './service.ts';

const ID_BYTES = 32;
const KEY_ID_BYTES = 16;

/**
 * For n chunk ids: the id of the data key each is sealed with, zeros where the vault lacks it.
 * @throws FailureError `forbidden` | `lease_lost`
 */
export function missing(
  context: VaultContext,
  at: BulkPlace,
  serverId: string,
  ids: Uint8Array,
): Buffer<ArrayBuffer> {
  requireOwner(context, at.agentId, serverId);
  const vault = vaultOf(context, at.vaultId);
  requireBackup(backingUp(context, at), serverId);
  const asked = Buffer.from(ids.buffer, ids.byteOffset, ids.length);
  const answer = Buffer.alloc((asked.length / ID_BYTES) * KEY_ID_BYTES);
  const damaged = context.index.damagedKeys(vault.id);
  for (let i = 0; i * ID_BYTES < asked.length; i += 1) {
    const id = asked.subarray(i * ID_BYTES, (i + 1) * ID_BYTES);
    const key = context.chunks.keyOf(vault.id, serverId, id);
    if (key && !damaged.has(key.toString('hex'))) key.copy(answer, i * KEY_ID_BYTES);
  }
  return answer;
}

/**
 * Keeps `keys/<id>.age` for good: a managed vault opens it first, so that no snapshot is ever committed whose
 * keys only its agent could open.
 * @throws FailureError `forbidden` | `invalid_input` | `conflict` | `lease_lost`
 */
export async function putKey(
  context: VaultContext,
  at: BulkPlace,
  { keyId, file }: { keyId: string; file: Uint8Array },
): Promise<void> {
  const vault = vaultOf(context, at.vaultId);
  const known = context.index.key(vault.id, keyId);
  const live = backingUp(context, at, known !== undefined);
  const offered = await openOffered(file, vault.secrets.identity);
  requireOwner(context, at.agentId, offered.serverId);
  if (offered.id !== keyId)
    throw fail('invalid_input', 'The key file holds another key than its name says.', 'Update the agent.');
  const hash = keyHash(offered.kind, offered.secret);
  const same = (row: { hash: string; serverId: string }) =>
    row.hash === hash && row.serverId === offered.serverId;
  if (known && !same(known)) throw taken(keyId);
  if (known && (await vault.store.size(keyName(keyId))) !== undefined) return;
  requireBackup(live, offered.serverId);
  if (!(await vault.store.putIfAbsent(keyName(keyId), file))) {
    // The file came before the index could note it. What is stored counts, not what is offered.
    const stored = await unwrapKey(await vault.store.read(keyName(keyId)), vault.secrets.identity);
    if (!same({ hash: keyHash(stored.kind, stored.secret), serverId: stored.serverId })) throw taken(keyId);
  }
  context.index.addKey({
    vaultId: vault.id,
    keyId,
    kind: offered.kind,
    serverId: offered.serverId,
    hash,
  });
}

/**
 * Stores a pack and indexes what its own trailer says it holds.
 * @throws FailureError `pack_corrupt` | `forbidden` | `conflict` | `lease_lost` | `message_too_large` | `disk_full`
 */
export async function putPack(
  context: VaultContext,
  at: BulkPlace,
  { sha256, body, release }: PackUpload,
): Promise<void> {
  const vault = vaultOf(context, at.vaultId);
  const known = context.chunks.pack(vault.id, sha256);
  if (known && (await vault.store.size(packName(sha256))) === known.length) {
    requireOwner(context, at.agentId, known.serverId);
    return drain(body);
  }
  const live = backingUp(context, at);
  let contents: PackContents | undefined;
  const length = await vault.store.put(packName(sha256), body, {
    maxBytes: PACK_MAX_BYTES,
    sha256,
    release,
    accept: async (staged) => {
      contents = await readTrailer(staged);
      requireOwner(context, at.agentId, contents.serverId);
      requireBackup(live, contents.serverId);
      requireKeys(context, vault.id, contents);
    },
  });
  if (!contents) throw new Error('the store did not show the pack');
  const facts = { vaultId: vault.id, serverId: contents.serverId, sha256, length, createdAt: context.now() };
  context.chunks.addPack(facts, contents.entries);
  return undefined;
}

/**
 * Servers that the agent backs up as its request comes in. It may finish what it then began, even where the job
 * ends meanwhile.
 * @param repeated the request may be the repetition of one that was granted: then it needs no live backup
 * @throws FailureError `lease_lost` where there is none, before a body is read
 */
export function backingUp(context: VaultContext, at: BulkPlace, repeated = false): ReadonlySet<string> {
  const live = context.fleet.backingUp(at.agentId, at.vaultId);
  if (live.size === 0 && !repeated) throw noBackup();
  return live;
}

/** Only a backup at work adds to what is kept of its server. @throws FailureError `lease_lost` */
export function requireBackup(live: ReadonlySet<string>, serverId: string): void {
  if (!live.has(serverId)) throw noBackup();
}

/** A chunk whose key is not stored would be lost with its agent. @throws FailureError `conflict` */
export function requireKeys(context: VaultContext, vaultId: string, contents: PackContents): void {
  for (const keyId of keysOf(contents)) {
    const key = context.index.key(vaultId, keyId);
    if (key?.kind === 'data' && key.serverId === contents.serverId) continue;
    throw fail(
      'conflict',
      `The vault has no data key ${keyId} for the server the pack belongs to.`,
      'Upload the key file before packs that need it.',
    );
  }
}

async function openOffered(file: Uint8Array, identity: string): ReturnType<typeof unwrapKey> {
  try {
    return await unwrapKey(file, identity);
  } catch (cause) {
    throw fail(
      'invalid_input',
      'The key file does not open with the identity of this vault.',
      'The agent must wrap keys to the recipients in vault.json.',
      { cause },
    );
  }
}

async function drain(body: AsyncIterable<Uint8Array>): Promise<void> {
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > PACK_MAX_BYTES)
      throw fail('message_too_large', 'A pack is too large.', 'Send smaller packs.');
  }
}

function noBackup() {
  return fail(
    'lease_lost',
    'No backup of that server is running on this agent for the control plane.',
    'Stop the attempt. What was uploaded stays: the next backup sends only what is missing.',
  );
}

function taken(keyId: string) {
  return fail('conflict', `Key ${keyId} is in the vault already, with another secret.`, 'Make a new key.');
}
