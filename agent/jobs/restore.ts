import { type FailureError, fail } from '../../protocol/failure.ts';
import type { DrillOffer, JobResult, RestoreOffer } from '../../protocol/job.ts';
import type { RestoreSource } from '../engines/driver.ts';
import { type OpenedSnapshot, openSnapshot } from '../pipeline/restore.ts';
import { serverForRestore } from './account.ts';
import type { JobContext } from './context.ts';
import { type JobParts, openServer } from './parts.ts';
import { enforcePolicy } from './policy.ts';

/** Runs one restore: the snapshot is proved before the driver touches the target. */
export async function runRestore(
  parts: JobParts,
  offer: RestoreOffer,
  context: JobContext,
): Promise<JobResult> {
  context.phase('checking');
  const { sealed, serverId, snapshotId } = offer;
  const { mode, targetDatabase } = offer.plan;
  const restore = { snapshotId, mode, targetDatabase };
  const server = await serverForRestore(parts, { serverId, sealed, restore });
  // Of this very server: what was looked at when the job was offered may have been exchanged since.
  enforcePolicy(parts.policy, { kind: 'restore', server: server.name, database: targetDatabase, mode });
  const { driver, target } = openServer(parts, server);
  const snapshot = await openOffered(parts, offer, context);
  context.progress({ totalBytes: snapshot.totalBytes });
  const { manifest, catalog } = snapshot;
  if (manifest.server.engine !== server.engine) throw otherEngine(manifest.server.engine, server.engine);
  const source: RestoreSource = { serverVersion: manifest.server.version, catalog };
  const { plan } = offer;
  // The driver preflights the target once more before it changes anything.
  const report = await driver.restore(target, { plan, source, open: snapshot.open }, context);
  return { kind: 'restore', rawBytes: snapshot.totalBytes, report };
}

/** Proves the snapshot that an offer is about; its bytes are read as they are asked for. */
export async function openOffered(
  parts: JobParts,
  offer: RestoreOffer | DrillOffer,
  context: JobContext,
): Promise<OpenedSnapshot> {
  const statement = await parts.vaults.admit(offer.vault);
  const vault = parts.vaultClient(offer.vault, context);
  const { jobId, attempt, snapshotId } = offer;
  return openSnapshot({
    source: await vault.source({ jobId, attempt }, context.signal),
    signingKey: statement.signingKey,
    sealingIdentity: parts.identity.sealingIdentity,
    expected: { snapshotId, vaultId: offer.vault.id },
    vault,
    signal: context.signal,
    onProgress: context.progress,
  });
}

export function otherEngine(from: string, to: string): FailureError {
  return fail(
    'restore_not_possible',
    `A ${from} snapshot cannot be restored to a ${to} server.`,
    'Choose a server of the same engine.',
  );
}
