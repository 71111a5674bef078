import { fail } from '../../protocol/failure.ts';
import { commit, liveJob, manifestLimit } from './commit.ts';
import { snapshotOf, type VaultContext, vaultOf } from './context.ts';
import { uploaded, uploadWay } from './direct.ts';
import { heritageOf } from './heritage.ts';
import { missing, putKey, putPack } from './ingest.ts';
import { MANIFEST_FILE_MAX_BYTES, packName } from './layout.ts';
import { createLockWatch } from './locks.ts';
import { PackAccess } from './pack-access.ts';
import { publicFacts } from './records.ts';
import type { Removal } from './removal.ts';
import type { Replicas } from './replicas/replicas.ts';
import type { AgentVault, JobDesk, SnapshotRecord } from './service.ts';
import { sourceOf } from './source.ts';
import { createTurns } from './turns.ts';

interface AgentVaultParts {
  jobs: JobDesk;
  onCommitted?: ((snapshot: SnapshotRecord) => void) | undefined;
  removal: Removal;
  replicas: Pick<Replicas, 'wake'>;
}

/** The vaults as agents see them. */
export function createAgentVault(
  context: VaultContext,
  { jobs, onCommitted, removal, replicas }: AgentVaultParts,
): AgentVault {
  const access = new PackAccess(context);
  const watch = createLockWatch(context);
  const inTurn = createTurns();
  return {
    missing: (at, serverId, ids) => missing(context, at, serverId, ids),
    putKey: (at, keyId, file) => putKey(context, at, { keyId, file }),
    putPack: async (at, pack) => {
      await removal.settle(vaultOf(context, at.vaultId), packName(pack.sha256));
      return putPack(context, at, pack);
    },
    uploadWay: async (at, pack) => {
      await removal.settle(vaultOf(context, at.vaultId), packName(pack.sha256));
      return uploadWay(context, at, pack);
    },
    uploaded: (at, sha256) =>
      // An agent that got no answer asks again while the first request is at work.
      inTurn(`pack ${sha256}`, () => uploaded(context, at, sha256)),
    downloadWay: (at, sha256) => access.way(at, sha256),
    getPack: (at, sha256, range) => access.get(at, sha256, range),
    expectCommit: (agentId, attempt) =>
      Math.min(manifestLimit(context, liveJob(jobs, agentId, attempt)), MANIFEST_FILE_MAX_BYTES),
    commit: (agentId, attempt, file) =>
      // Two commits of one job: the second finds what the first made.
      inTurn(attempt.jobId, async () => {
        const row = await commit({ context, jobs, watch }, { agentId, attempt, file });
        onCommitted?.(publicFacts(context)(row));
        replicas.wake(row.vaultId);
        return { snapshotId: row.id };
      }),
    source: (agentId, attempt) =>
      // One at a time: it holds the whole description of a snapshot in memory.
      inTurn(attempt.jobId, async () => {
        const job = liveJob(jobs, agentId, attempt);
        const agent = context.fleet.agent(agentId);
        if (job.kind === 'backup' || !agent)
          throw fail('forbidden', 'Only a restore or drill has a source.', 'Stop the attempt.');
        return sourceOf(context, snapshotOf(context, job.snapshotId), agent.sealingKey);
      }),
    heritage: (agentId, attempt) =>
      inTurn(attempt.jobId, async () => {
        const job = liveJob(jobs, agentId, attempt);
        if (job.kind === 'backup') return heritageOf(context, job);
        throw fail('forbidden', 'Only a backup has a heritage.', 'Stop the attempt.');
      }),
  };
}
