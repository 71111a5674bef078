import { dirname } from 'node:path';
import { fail } from '../../protocol/failure.ts';
import { decodeManifest, type Manifest } from '../../protocol/vault/manifest.ts';
import type { SnapshotRow } from '../db/snapshots.ts';
import { certificateOf, certify, signerOf } from './certify.ts';
import { requireComplete } from './complete.ts';
import { type VaultContext, vaultOf } from './context.ts';
import type { OpenVault } from './create.ts';
import { idIn, manifestName } from './layout.ts';
import type { LockWatch } from './locks.ts';
import type { BulkAttempt, JobDesk, RunningJob } from './service.ts';

export interface Commit {
  agentId: string;
  attempt: BulkAttempt;
  /** The manifest file as the agent sent it. */
  file: Uint8Array;
}

export interface CommitGround {
  context: VaultContext;
  jobs: JobDesk;
  watch: LockWatch;
}

/**
 * Turns a finished upload into a snapshot: the only way one comes to exist. Everything is checked first, the
 * manifest is written last. A job whose snapshot exists already keeps that one.
 * @throws FailureError `lease_lost` | `manifest_invalid` | `signature_invalid` | `chunks_missing` | `disk_full` | `lock_failed`
 */
export async function commit({ context, jobs, watch }: CommitGround, request: Commit): Promise<SnapshotRow> {
  const job = liveJob(jobs, request.agentId, request.attempt);
  const vault = vaultOf(context, job.vaultId);
  const manifest = decodeManifest(
    request.file,
    signerOf(await certificateFor(context, vault, request.agentId)),
    manifestLimit(context, job),
  );
  const recorded = context.snapshots.snapshot(job.snapshotId);
  if (recorded?.jobId === job.id) return recorded;
  requireMatch(context, job, manifest);
  await watch.look(vault);
  const adopted = await adopt({ context, watch }, vault, manifest);
  if (adopted) return adopted;
  const { packIds, packs, storedBytes } = await requireComplete(context, manifest, { forJob: job.id });
  await watch.hold(vault, manifest, packs);
  liveJob(jobs, request.agentId, request.attempt);
  const path = manifestName(manifest);
  await vault.store.putIfAbsent(path, request.file);
  try {
    return record(context, manifest, { packIds, path, storedBytes, createdAt: context.now() });
  } catch (error) {
    context.doomed.add({ vaultId: vault.id, name: path, length: 0 });
    throw error;
  }
}

/** Bytes of a manifest that names no chunk twice, or 850,000 of them again. */
const MANIFEST_ALLOWANCE_BYTES = 64 * 1024 * 1024;
/** More than a chunk's entry in a manifest takes, with its share of keys and catalog. */
const BYTES_PER_CHUNK = 256;

/** Bytes that a job's manifest may have: it can name nothing but what was uploaded, so neither fills memory at will. */
export function manifestLimit(context: VaultContext, job: RunningJob): number {
  return MANIFEST_ALLOWANCE_BYTES + BYTES_PER_CHUNK * context.chunks.countOf(job.serverId);
}

/**
 * The row of a snapshot whose manifest lies in the store; added where it is not known yet. What it needs is not condemned
 * any more, in the same moment.
 */
export function record(
  context: VaultContext,
  manifest: Manifest,
  { packIds, ...about }: { path: string; storedBytes: number; createdAt: number; packIds: Set<number> },
): SnapshotRow {
  const row: SnapshotRow = {
    id: manifest.snapshotId,
    vaultId: manifest.vaultId,
    databaseId: manifest.database.id,
    serverId: manifest.server.id,
    agentId: manifest.agentId,
    jobId: manifest.job.id,
    engine: manifest.server.engine,
    sequence: manifest.sequence,
    rawBytes: manifest.streams.reduce((sum, { length }) => sum + length, 0),
    serverVersion: manifest.server.version,
    tool: manifest.tool,
    partial: manifest.options.selection === 'partial',
    damagedAt: null,
    startedAt: Date.parse(manifest.startedAt),
    finishedAt: Date.parse(manifest.finishedAt),
    ...about,
  };
  context.atOnce(() => {
    // They were looked for before the manifest was written, and may be gone since.
    if (!context.condemned.areThere(packIds))
      throw fail(
        'chunks_missing',
        'Packs that the snapshot needs went while it was committed.',
        'Back up again: what is missing is uploaded then.',
        { retryable: true },
      );
    context.condemned.spare(packIds);
    context.snapshots.add(row);
  });
  return row;
}

/** The job behind a request, if this attempt still counts. @throws FailureError `lease_lost` | `not_found` */
export function liveJob(jobs: JobDesk, agentId: string, { jobId, attempt }: BulkAttempt): RunningJob {
  const job = jobs.runningJob(jobId);
  if (job && job.agentId !== agentId)
    throw fail('not_found', 'This agent has no such job.', 'Stop the attempt.');
  if (job?.attempt === attempt) return job;
  throw fail(
    'lease_lost',
    `Attempt ${attempt} of this job is over for the control plane.`,
    'Nothing is lost: the next attempt uploads only what is missing.',
  );
}

/**
 * Takes up the manifest of an earlier commit of the same snapshot that was written, but not recorded any more
 * because the control plane stopped in between.
 */
async function adopt(
  { context, watch }: Pick<CommitGround, 'context' | 'watch'>,
  vault: OpenVault,
  manifest: Manifest,
): Promise<SnapshotRow | undefined> {
  for await (const { name } of vault.store.list(dirname(manifestName(manifest)))) {
    if (idIn('snapshot', name) !== manifest.snapshotId) continue;
    const { agentId } = manifest;
    const written = decodeManifest(
      await vault.store.read(name),
      signerOf(await certificateOf(vault, agentId)),
    );
    const { packIds, packs, storedBytes } = await requireComplete(context, written, {
      forJob: written.job.id,
    });
    await watch.hold(vault, written, packs);
    await vault.store.lock?.hold([name]);
    return record(context, written, { packIds, path: name, storedBytes, createdAt: context.now() });
  }
  return undefined;
}

async function certificateFor(context: VaultContext, vault: OpenVault, agentId: string) {
  const existing = await certificateOf(vault, agentId);
  if (existing) return existing;
  const agent = context.fleet.agent(agentId);
  if (agent) await certify(vault, agent);
  return certificateOf(vault, agentId);
}

function requireMatch(context: VaultContext, job: RunningJob, manifest: Manifest): void {
  const pairs: [what: string, said: unknown, expected: unknown][] = [
    ['kind of job', 'backup', job.kind],
    ['vault', manifest.vaultId, job.vaultId],
    ['agent', manifest.agentId, job.agentId],
    ['job', manifest.job.id, job.id],
    ['attempt', manifest.job.attempt, job.attempt],
    ['snapshot', manifest.snapshotId, job.snapshotId],
    ['server', manifest.server.id, job.serverId],
    ['engine', manifest.server.engine, context.fleet.server(job.serverId)?.engine],
    ['database', manifest.database.id, job.databaseId],
    ['database name', manifest.database.name, job.databaseName],
    ['sequence', manifest.sequence, job.sequence ?? context.snapshots.highestSequence(job.databaseId) + 1],
  ];
  const wrong = pairs.filter(([, said, expected]) => said !== expected).map(([what]) => what);
  if (wrong.length === 0) return;
  throw fail(
    'manifest_invalid',
    `The manifest is not for this job: its ${wrong.join(', ')} differ${wrong.length === 1 ? 's' : ''}.`,
    'Back up again. If it happens again, report it with the log of the agent.',
  );
}
