import { fail } from '../../protocol/failure.ts';
import type { HeritageDocument } from '../../protocol/job.ts';
import { encryptTo } from '../../protocol/vault/keys.ts';
import type { SnapshotRow } from '../db/snapshots.ts';
import { certificateText } from './certify.ts';
import { type VaultContext, vaultOf } from './context.ts';
import type { RunningJob } from './service.ts';
import { openKey, readManifest } from './source.ts';

/**
 * What the agent of a backup can build on that took the place of another one: the newest snapshot of the database by an
 * agent before it, and the server's id key, re-wrapped to it.
 * @throws FailureError `not_found` where there is none | `key_missing` | `manifest_invalid` | `signature_invalid`
 */
export async function heritageOf(context: VaultContext, job: RunningJob): Promise<HeritageDocument> {
  const line = lineBefore(context, job.agentId);
  const row = newestBy(context, job, line);
  const agent = context.fleet.agent(job.agentId);
  if (!row || !agent) throw nothing();
  const vault = vaultOf(context, job.vaultId);
  const { file, manifest } = await readManifest(vault, row);
  const { id, secret } = await openKey(vault, manifest.idKey.id);
  const keys = await encryptTo([agent.sealingKey], JSON.stringify({ [id]: secret.toString('base64url') }));
  const certificates = line.slice(0, line.indexOf(row.agentId) + 1);
  return {
    manifest: file.toString('base64'),
    certificates: await Promise.all(
      certificates.map(async (agentId) => (await certificateText(vault, agentId)) ?? ''),
    ),
    keys: Buffer.from(keys).toString('base64'),
  };
}

/** The agent whose place an agent took, the one before that, and so on. */
function lineBefore({ fleet }: VaultContext, agentId: string): string[] {
  const line: string[] = [];
  let next = fleet.agent(agentId)?.predecessorId;
  while (next && !line.includes(next)) {
    line.push(next);
    next = fleet.agent(next)?.predecessorId;
  }
  return line;
}

function newestBy(context: VaultContext, job: RunningJob, line: string[]): SnapshotRow | undefined {
  return context.snapshots.newestBy(line, job);
}

function nothing() {
  return fail('not_found', 'No agent before this one made a snapshot of the database.', 'Begin anew.');
}
