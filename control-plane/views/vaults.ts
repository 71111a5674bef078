import type { VaultRecord } from '../vault/vault-record.ts';
import { iso, isoOrNull } from './times.ts';

/** A vault as the API shows it. */
export function vaultView({ check, createdAt, kitDownloadedAt, replica, ...facts }: VaultRecord) {
  return {
    ...facts,
    kitDownloadedAt: isoOrNull(kitDownloadedAt),
    createdAt: iso(createdAt),
    replica: replica && { ...replica, nextTryAt: isoOrNull(replica.nextTryAt) },
    check: check && {
      ...check,
      startedAt: iso(check.startedAt),
      finishedAt: isoOrNull(check.finishedAt),
    },
  };
}
