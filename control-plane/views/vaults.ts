import type { VaultRecord } from '../vault/vault-record.ts';
import { iso, isoOrNull } from './times.ts';

/** A vault as the API shows it. */
export function vaultView({ check, collection, createdAt, kitDownloadedAt, replica, ...facts }: VaultRecord) {
  return {
    ...facts,
    kitDownloadedAt: isoOrNull(kitDownloadedAt),
    createdAt: iso(createdAt),
    replica: replica && { ...replica, nextTryAt: isoOrNull(replica.nextTryAt) },
    check: check && timed(check),
    collection: collection && timed(collection),
  };
}

function timed<T extends { startedAt: number; finishedAt: number | null }>(work: T) {
  return { ...work, startedAt: iso(work.startedAt), finishedAt: isoOrNull(work.finishedAt) };
}
