import { toFailure } from '../../protocol/failure.ts';
import type { BackupOffer, JobResult } from '../../protocol/job.ts';
import { EVERYTHING } from '../../protocol/selection.ts';
import { type VaultKey, wrapKey } from '../../protocol/vault/keys.ts';
import type { VaultStatement } from '../../protocol/vault/statement.ts';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import type { DumpResult } from '../engines/driver.ts';
import { type BackupContent, startBackup } from '../pipeline/backup.ts';
import { buildManifest } from '../pipeline/manifest.ts';
import type { VaultClient } from '../pipeline/vault-client.ts';
import type { StoredServer } from '../state/servers.ts';
import type { JobContext } from './context.ts';
import { inherit } from './inherit.ts';
import { blockerFailure, type JobParts, openServer } from './parts.ts';
import { enforcePolicy } from './policy.ts';

interface BackupKeys {
  idKey: VaultKey;
  dataKey: VaultKey;
}

/** Runs one backup from preflight to commit. Throws where it did not come to be. */
export async function runBackup(
  parts: JobParts,
  offer: BackupOffer,
  context: JobContext,
): Promise<JobResult> {
  const startedAt = new Date().toISOString();
  context.phase('checking');
  const server = await parts.servers.get(offer.serverId);
  // Of this very server: what was looked at when the job was offered may have been exchanged since.
  enforcePolicy(parts.policy, { kind: 'backup', server: server.name, database: offer.database.name });
  const { driver, target } = openServer(parts, server);
  const statement = await parts.vaults.admit(offer.vault);
  const vault = parts.vaultClient(offer.vault, context);
  await inherit(parts, offer, { statement, vault, context });
  await parts.vaults.checkSequence(offer.vault.id, offer.database.id, offer.sequence);
  const wish = { database: offer.database.name, selection: offer.selection ?? EVERYTHING };
  const preflight = await driver.preflightBackup(target, wish, context);
  for (const { message } of preflight.findings) context.log(message);
  const blocker = blockerFailure(preflight.findings, 'privilege_missing');
  if (blocker) throw blocker;
  context.progress({ totalBytes: Math.round(preflight.estimatedBytes) });

  // Read before the new key is made: chunks sealed by a lost earlier attempt of ours may be reused too.
  const knownDataKeys = await parts.keys.ownDataKeys(offer.vault.id, offer.serverId);
  const keys = await prepareKeys(parts, offer, { statement, vault, signal: context.signal });
  const backup = startBackup({
    serverId: offer.serverId,
    ...keys,
    knownDataKeys,
    vault,
    signal: context.signal,
    onProgress: context.progress,
  });
  try {
    // A dump that says nothing for long would not notice otherwise that nobody takes it any more.
    const dumping = { ...context, signal: backup.signal };
    const dump = await driver.dump(target, wish, backup.sink, dumping);
    context.phase('uploading');
    const content = await backup.finish();
    const made = { dump, content, keys, startedAt, server };
    await commit(parts, offer, { ...made, vault, context });
    const { rawBytes, storedBytes, reusedBytes } = content;
    return { kind: 'backup', snapshotId: offer.snapshotId, rawBytes, storedBytes, reusedBytes };
  } catch (error) {
    backup.abort(error);
    throw backup.signal.reason; // `error`, or what it came of
  }
}

/** Both keys, wrapped to the vault's recipients and stored, before any chunk depends on them. */
async function prepareKeys(
  parts: JobParts,
  offer: BackupOffer,
  { statement, vault, signal }: { statement: VaultStatement; vault: VaultClient; signal: AbortSignal },
): Promise<BackupKeys> {
  const { serverId } = offer;
  const idKey = await parts.keys.idKey(serverId);
  const dataKey = await parts.keys.newDataKey(offer.vault.id, serverId);
  const { recipients } = statement;
  await vault.putKey(idKey.id, await wrapKey(idKey, { kind: 'id', serverId }, recipients), signal);
  await vault.putKey(dataKey.id, await wrapKey(dataKey, { kind: 'data', serverId }, recipients), signal);
  return { idKey, dataKey };
}

interface Made {
  dump: DumpResult;
  content: BackupContent;
  keys: BackupKeys;
  startedAt: string;
  server: StoredServer;
  vault: VaultClient;
  context: JobContext;
}

async function commit(parts: JobParts, offer: BackupOffer, made: Made): Promise<void> {
  const { context, server, vault } = made;
  context.phase('committing');
  const manifest = await buildManifest({
    facts: {
      snapshotId: offer.snapshotId,
      vaultId: offer.vault.id,
      agentId: parts.agentId,
      server: { id: server.id, name: server.name, engine: server.engine },
      database: offer.database,
      sequence: offer.sequence,
      job: { id: offer.jobId, attempt: offer.attempt },
      startedAt: made.startedAt,
      finishedAt: new Date().toISOString(),
      agentVersion: HOMEPORT_VERSION,
    },
    dump: offer.safety ? { ...made.dump, options: { ...made.dump.options, safety: true } } : made.dump,
    content: made.content,
    ...made.keys,
    agentKey: parts.identity.signingKey,
  });
  context.signal.throwIfAborted();
  context.finalise();
  await vault.commit({ jobId: offer.jobId, attempt: offer.attempt }, manifest, context.signal);
  try {
    await parts.vaults.committed(offer.vault.id, offer.database.id, offer.sequence);
  } catch (error) {
    // The snapshot exists; failing the job now would say otherwise.
    context.log(`The newest sequence number could not be noted: ${toFailure(error).message}`);
  }
}
