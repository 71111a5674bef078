import { type FailureError, fail } from '../../protocol/failure.ts';
import type { JobResult, RestoreOffer } from '../../protocol/job.ts';
import type { RestorePlan, RestorePreflight } from '../../protocol/restore.ts';
import type { RestoreSource } from '../engines/driver.ts';
import { type OpenedSnapshot, openSnapshot } from '../pipeline/restore.ts';
import type { JobContext } from './context.ts';
import { blockerFailure, type JobParts, openServer } from './parts.ts';

/** Runs one restore: the snapshot is proved and the target preflighted before anything changes. */
export async function runRestore(
  parts: JobParts,
  offer: RestoreOffer,
  context: JobContext,
): Promise<JobResult> {
  context.phase('checking');
  const server = await parts.servers.get(offer.serverId);
  const { driver, target } = openServer(parts, server);
  const snapshot = await open(parts, offer, context);
  context.progress({ totalBytes: snapshot.totalBytes });
  const { manifest, catalog } = snapshot;
  if (manifest.server.engine !== server.engine) throw otherEngine(manifest.server.engine, server.engine);
  const source: RestoreSource = { serverVersion: manifest.server.version, catalog };
  const { plan } = offer;
  const preflight = await driver.preflightRestore(target, { plan, source }, context);
  for (const { message } of preflight.findings) context.log(message);
  const obstacle = obstacleTo(plan, preflight);
  if (obstacle) throw obstacle;
  const report = await driver.restore(target, { plan, source, open: snapshot.open }, context);
  return { kind: 'restore', rawBytes: snapshot.totalBytes, report };
}

async function open(parts: JobParts, offer: RestoreOffer, context: JobContext): Promise<OpenedSnapshot> {
  const statement = await parts.vaults.admit(offer.vault);
  const vault = parts.vaultClient(offer.vault.id, context.waiting);
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

/** Why the plan cannot be carried out on this target, as the preflight has just found it. */
export function obstacleTo(plan: RestorePlan, preflight: RestorePreflight): FailureError | undefined {
  const mode = preflight.modes.find((verdict) => verdict.mode === plan.mode);
  const owners = preflight.ownerChoices.find((verdict) => verdict.choice === plan.owners);
  for (const verdict of [mode, owners]) {
    if (verdict?.possible) continue;
    const reason = verdict?.reason ?? 'This agent does not know this way of restoring.';
    return fail('restore_not_possible', reason, 'Run the preflight again and choose what it offers.', {
      ...(verdict?.sql ? { sql: verdict.sql } : {}),
    });
  }
  return blockerFailure(preflight.findings, 'restore_not_possible');
}

function otherEngine(from: string, to: string): FailureError {
  return fail(
    'restore_not_possible',
    `A ${from} snapshot cannot be restored to a ${to} server.`,
    'Choose a server of the same engine.',
  );
}
