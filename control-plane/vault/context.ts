import { type Failure, FailureError, fail } from '../../protocol/failure.ts';
import { type ChunkQueries, chunkQueries } from '../db/chunks.ts';
import { type CondemnedQueries, condemnedQueries } from '../db/condemned-packs.ts';
import { type DoomedQueries, doomedQueries } from '../db/doomed-files.ts';
import type { Db } from '../db/open.ts';
import { type ReplicaCopyQueries, replicaCopyQueries } from '../db/replica-copies.ts';
import { type SnapshotQueries, type SnapshotRow, snapshotQueries } from '../db/snapshots.ts';
import { type StoreLockQueries, storeLockQueries } from '../db/store-locks.ts';
import { type VaultFleetQueries, vaultFleetQueries } from '../db/vault-fleet.ts';
import { type VaultQueries, vaultQueries } from '../db/vaults.ts';
import type { OpenVault } from './create.ts';
import { createLeases, type Leases } from './leases.ts';

/** The open vaults and the index of what they hold. */
export interface VaultContext {
  vaults: Map<string, OpenVault>;
  index: VaultQueries;
  chunks: ChunkQueries;
  copies: ReplicaCopyQueries;
  locks: StoreLockQueries;
  snapshots: SnapshotQueries;
  condemned: CondemnedQueries;
  doomed: DoomedQueries;
  fleet: VaultFleetQueries;
  leases: Leases;
  /** A file of this name is about to be written: what is still to be removed of an old one goes first. */
  settle(vault: OpenVault, name: string): Promise<void>;
  /** Does all of something with the index, or nothing. */
  atOnce<T>(work: () => T): T;
  /** Milliseconds since the epoch. */
  now(): number;
}

export function createContext(db: Db, vaults: readonly OpenVault[], now: () => number): VaultContext {
  return {
    vaults: new Map(vaults.map((vault) => [vault.id, vault])),
    index: vaultQueries(db),
    chunks: chunkQueries(db),
    copies: replicaCopyQueries(db),
    locks: storeLockQueries(db),
    snapshots: snapshotQueries(db),
    condemned: condemnedQueries(db),
    doomed: doomedQueries(db),
    fleet: vaultFleetQueries(db),
    leases: createLeases(),
    settle: () => Promise.resolve(),
    atOnce: (work) => db.transaction(work, { behavior: 'immediate' }),
    now,
  };
}

/** @throws FailureError `not_found` */
export function vaultOf(context: VaultContext, vaultId: string): OpenVault {
  const vault = context.vaults.get(vaultId);
  if (!vault) throw fail('not_found', 'There is no such vault.', 'Reload the page and choose another one.');
  return vault;
}

/** The failure, if it is that a store did not answer which others can stand in for; what is on this host alone is here or broken. */
export function awayFailure({ secrets }: OpenVault, error: unknown): Failure | undefined {
  if (!(error instanceof FailureError)) return undefined;
  if (secrets.store.kind === 'local' && !secrets.replica) return undefined;
  return error.failure.code === 'store_unavailable' ? error.failure : undefined;
}

/** A committed snapshot with its vault. @throws FailureError `not_found` */
export function snapshotOf(context: VaultContext, id: string): { row: SnapshotRow; vault: OpenVault } {
  const row = context.snapshots.snapshot(id);
  if (!row) throw fail('not_found', 'There is no such snapshot.', 'Reload the page and choose another one.');
  return { row, vault: vaultOf(context, row.vaultId) };
}

/** Whether an agent may store and ask for chunks of a server. @throws FailureError `forbidden` */
export function requireOwner(context: VaultContext, agentId: string, serverId: string): void {
  if (context.fleet.server(serverId)?.agentId === agentId) return;
  throw fail(
    'forbidden',
    'This agent does not own that database server.',
    'Chunks are shared within one server only; add the server to this agent first.',
  );
}
