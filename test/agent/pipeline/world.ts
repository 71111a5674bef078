import { createHash, randomUUID } from 'node:crypto';
import { type BackupContent, type BackupOptions, startBackup } from '../../../agent/pipeline/backup.ts';
import { buildManifest } from '../../../agent/pipeline/manifest.ts';
import { openSnapshot } from '../../../agent/pipeline/restore.ts';
import { generateVaultKey, keyHash, type VaultKey } from '../../../protocol/vault/keys.ts';
import { MemoryVault, type TestAgent } from '../../support/memory-vault.ts';
import { slices } from './bytes.ts';

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A vault with one agent and one server. */
export interface World {
  vault: MemoryVault;
  agent: TestAgent;
  serverId: string;
  idKey: VaultKey;
  known: Map<string, string>;
  keys: VaultKey[];
}

export async function world(): Promise<World> {
  const vault = new MemoryVault();
  const idKey = generateVaultKey();
  return {
    vault,
    agent: await vault.enrol(),
    serverId: randomUUID(),
    idKey,
    known: new Map(),
    keys: [idKey],
  };
}

/** Starts a backup with a new data key, which later backups know. */
export function begin(w: World, overrides: Partial<BackupOptions> = {}) {
  const dataKey = generateVaultKey();
  w.keys.push(dataKey);
  const backup = startBackup({
    serverId: w.serverId,
    idKey: w.idKey,
    dataKey,
    knownDataKeys: new Map(w.known),
    vault: w.vault,
    signal: new AbortController().signal,
    onProgress: () => {},
    ...overrides,
  });
  w.known.set(dataKey.id, keyHash('data', dataKey.secret));
  return { ...backup, dataKey };
}

/** A whole backup, its manifest included. */
export async function backUp(w: World, streams: Record<string, Buffer>) {
  const backup = begin(w);
  await Promise.all(
    Object.entries(streams).map(([name, bytes]) =>
      backup.sink({ name, format: 'test' }, slices(bytes, 65536)),
    ),
  );
  const content = await backup.finish();
  const snapshotId = randomUUID();
  const manifest = await manifestFor(w, { snapshotId, content, dataKey: backup.dataKey });
  return { content, snapshotId, manifest };
}

export function manifestFor(
  w: World,
  input: { snapshotId: string; content: BackupContent; dataKey: VaultKey },
) {
  const now = new Date().toISOString();
  return buildManifest({
    facts: {
      snapshotId: input.snapshotId,
      vaultId: w.vault.vaultId,
      agentId: w.agent.id,
      server: { id: w.serverId, name: 'server', engine: 'test' },
      database: { id: randomUUID(), name: 'database' },
      sequence: 1,
      job: { id: randomUUID(), attempt: 1 },
      startedAt: now,
      finishedAt: now,
      agentVersion: '0',
    },
    dump: {
      catalog: { tables: [], objectCounts: { TABLE: 1 }, requirements: {} },
      serverVersion: '15',
      tool: 'test',
      options: {},
    },
    content: input.content,
    idKey: w.idKey,
    dataKey: input.dataKey,
    agentKey: w.agent.key,
  });
}

export async function reopen(w: World, { manifest, snapshotId }: { manifest: Buffer; snapshotId: string }) {
  const source = await w.vault.sourceFor(w.serverId, manifest, {
    agent: w.agent,
    signer: w.agent,
    keys: w.keys,
  });
  return { source, ...(await openSource(w, source, snapshotId)) };
}

export function openSource(
  w: World,
  source: Awaited<ReturnType<MemoryVault['sourceFor']>>,
  snapshotId: string,
) {
  return openSnapshot({
    source,
    signingKey: w.vault.signingKey,
    sealingIdentity: w.agent.sealingIdentity,
    expected: { snapshotId, vaultId: w.vault.vaultId },
    vault: w.vault,
    signal: new AbortController().signal,
    onProgress: () => {},
  });
}
