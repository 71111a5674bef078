import { setImmediate as nextTurn } from 'node:timers/promises';
import { FailureError } from '../../../protocol/failure.ts';
import type { SnapshotRow } from '../../db/snapshots.ts';
import { locate } from '../complete.ts';
import type { VaultContext } from '../context.ts';
import type { OpenVault } from '../create.ts';
import { readManifest } from '../source.ts';
import { isAway } from './copy.ts';

/** Snapshots that turned out to need something that is not whole, and those that are whole again. */
export interface Damage {
  found: SnapshotRow[];
  mended: SnapshotRow[];
}

/**
 * Finds the snapshots that need what a check has found to be whole nowhere, and notes it with them.
 * @param lost names of keys and manifests among that
 * @throws FailureError where the store does not answer
 */
export async function judgeDamage(
  context: VaultContext,
  { lost, signal, vault }: { vault: OpenVault; lost: ReadonlySet<string>; signal: AbortSignal },
): Promise<Damage> {
  const damage: Damage = { found: [], mended: [] };
  const servers = new Set(context.chunks.damagedServers(vault.id));
  const damagedKeys = context.index.damagedKeys(vault.id);
  for (const row of context.snapshots.ofVault(vault.id)) {
    signal.throwIfAborted();
    const isSuspect = lost.size + damagedKeys.size > 0 || servers.has(row.serverId);
    if (row.damagedAt === null && !isSuspect) continue;
    const isDamaged = lost.has(row.path) || (await needsLost(context, vault, { row, damagedKeys }));
    await nextTurn();
    if (isDamaged === (row.damagedAt !== null)) continue;
    context.snapshots.setDamaged(row.id, isDamaged ? context.now() : null);
    damage[isDamaged ? 'found' : 'mended'].push(row);
  }
  return damage;
}

async function needsLost(
  context: VaultContext,
  vault: OpenVault,
  { damagedKeys, row }: { row: SnapshotRow; damagedKeys: ReadonlySet<string> },
): Promise<boolean> {
  try {
    const { manifest } = await readManifest(vault, row);
    const keys = [manifest.idKey, ...manifest.dataKeys];
    if (keys.some(({ id }) => damagedKeys.has(id))) return true;
    return (await locate(context, manifest)).missing.size > 0;
  } catch (error) {
    if (!(error instanceof FailureError) || isAway(error)) throw error;
    return true;
  }
}
