import { createHash, type KeyObject } from 'node:crypto';
import { fail } from '../../protocol/failure.ts';
import { keyHash } from '../../protocol/vault/keys.ts';
import { decodeManifest, type Manifest } from '../../protocol/vault/manifest.ts';
import { certificateOf } from './certify.ts';
import { record } from './commit.ts';
import { requireComplete } from './complete.ts';
import type { VaultContext } from './context.ts';
import type { OpenVault } from './create.ts';
import { requireKeys } from './ingest.ts';
import { idIn, KEY_FILE_MAX_BYTES, keyName, MANIFEST_FILE_MAX_BYTES, packName } from './layout.ts';
import type { Lineage } from './lineage.ts';
import { readTrailer } from './packs.ts';
import { openKey } from './source.ts';
import type { StoredFile } from './stores/store.ts';

/** The certified Ed25519 key of an agent. */
export type Signers = (agentId: string) => KeyObject | undefined;

/** Adds an agent the vault vouches for, where it is not known. @throws FailureError `signature_invalid` */
export async function addStoredAgent(
  context: VaultContext,
  vault: OpenVault,
  agentId: string,
): Promise<void> {
  const certificate = await certificateOf(vault, agentId);
  if (!certificate)
    throw fail('signature_invalid', 'The certificate is that of another agent or vault.', 'Remove the file.');
  const { name, identityKey, sealingKey, issuedAt, succeeds: predecessorId = null } = certificate;
  const createdAt = Date.parse(issuedAt);
  context.fleet.addAgent({ id: agentId, name, identityKey, sealingKey, predecessorId, createdAt });
}

/** Indexes a key file. @throws FailureError `key_missing` where it does not open or is not what its name says */
export async function addStoredKey(context: VaultContext, vault: OpenVault, keyId: string): Promise<void> {
  requireSize(await vault.store.size(keyName(keyId)), KEY_FILE_MAX_BYTES);
  const { id, kind, serverId, secret } = await openKey(vault, keyId);
  if (id !== keyId)
    throw fail('key_missing', 'It holds another key than its name says.', 'Restore the file from a copy.');
  context.index.addKey({ vaultId: vault.id, keyId, kind, serverId, hash: keyHash(kind, secret) });
  await vault.store.lock?.look(keyName(keyId));
}

/**
 * Indexes a pack by its own trailer. `deep` reads all of it and compares its hash with its name.
 * @throws FailureError `pack_corrupt` | `conflict`
 */
export async function addStoredPack(
  context: VaultContext,
  vault: OpenVault,
  { sha256, length, deep }: { sha256: string; length: number; deep: boolean },
): Promise<void> {
  const name = packName(sha256);
  if (deep && (await hashOf(vault, name)) !== sha256)
    throw fail('pack_corrupt', 'Its bytes are not those that were written.', 'Restore the file from a copy.');
  const contents = await readTrailer({ length, read: (range) => vault.store.read(name, range) });
  requireKeys(context, vault.id, contents);
  await vault.store.lock?.look(name);
  const facts = { vaultId: vault.id, serverId: contents.serverId, sha256, length };
  context.chunks.addPack({ ...facts, createdAt: context.now() }, contents.entries);
}

/**
 * Records the snapshot a stored manifest describes, with its server and database where they are not known.
 * @throws FailureError `manifest_invalid` | `signature_invalid` | `chunks_missing`
 */
export async function addStoredSnapshot(
  context: VaultContext,
  vault: OpenVault,
  { file, keyOf, lineage }: { file: StoredFile; keyOf: Signers; lineage: Lineage },
): Promise<void> {
  requireSize(file.length, MANIFEST_FILE_MAX_BYTES);
  const manifest = await readStored(vault, file.name, keyOf);
  requireSigner(context, manifest, lineage);
  const { packIds, storedBytes } = await requireComplete(context, manifest, { damaged: true });
  await vault.store.lock?.look(file.name);
  const finishedAt = Date.parse(manifest.finishedAt);
  addFleet(context, manifest, { at: finishedAt, owner: lineage.heirOf(manifest.agentId) });
  record(context, manifest, { packIds, path: file.name, storedBytes, createdAt: finishedAt });
}

async function readStored(vault: OpenVault, name: string, keyOf: Signers): Promise<Manifest> {
  const manifest = decodeManifest(await vault.store.read(name), keyOf);
  if (manifest.vaultId === vault.id && manifest.snapshotId === idIn('snapshot', name)) return manifest;
  throw fail('manifest_invalid', 'It describes another snapshot than its name says.', 'Remove the file.');
}

/**
 * A commit takes manifests only from the agent whose server it is, or was: a successor has the servers of the agent
 * whose place it took. Whoever can write to the store and has one agent's key could otherwise slip that agent's word
 * in as the newest snapshot of another one's database.
 */
function requireSigner(context: VaultContext, { agentId, server }: Manifest, { heirOf }: Lineage): void {
  const owner = context.fleet.server(server.id)?.agentId ?? agentId;
  if (heirOf(owner) === heirOf(agentId)) return;
  throw fail(
    'signature_invalid',
    'It is signed by another agent than the one its server belongs to.',
    'Someone else wrote to the store. Find out who, and remove the file.',
  );
}

function addFleet(
  context: VaultContext,
  manifest: Manifest,
  { at, owner }: { at: number; owner: string },
): void {
  const { server, database } = manifest;
  const { id, name, engine, version } = server;
  // The agent says how to reach the server as soon as it connects again; one that took it over may not know yet.
  context.fleet.addServer({
    id,
    agentId: owner,
    awaitsCredentialsSince: owner === manifest.agentId ? null : at,
    name,
    engine,
    version,
    connection: '{}',
    addedOnHost: false,
    createdAt: at,
  });
  context.fleet.addDatabase({
    id: database.id,
    serverId: id,
    name: database.name,
    createdAt: at,
    protectedAt: manifest.options.safety === true ? null : at,
  });
}

async function hashOf(vault: OpenVault, name: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of vault.store.stream(name)) hash.update(part);
  return hash.digest('hex');
}

function requireSize(length: number | undefined, most: number): void {
  if (length === undefined || length > most)
    throw fail('manifest_invalid', 'It is far too large for what it should be.', 'Remove the file.');
}
