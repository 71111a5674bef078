import { z } from 'zod';
import { found } from '../http/acting.ts';
import type { VaultService } from '../vault/service.ts';
import { rcloneOptionsSchema } from '../vault/stores/rclone-options.ts';
import { s3OptionsSchema } from '../vault/stores/s3-options.ts';
import type { VaultRecord } from '../vault/vault-record.ts';

/** Direct ways are wished for unless it is said not to be; the test of the bucket decides. */
const bucketWish = s3OptionsSchema.extend({ direct: z.boolean().default(true) });

/** A place elsewhere than on this host, as a request names it. */
export const placeElsewhere = z.discriminatedUnion('kind', [bucketWish, rcloneOptionsSchema]);

/** The vault of a request's path. @throws FailureError `not_found` */
export function vaultCalled(vault: VaultService, id: string): VaultRecord {
  return found(
    vault.vaults().find((one) => one.id === id),
    'vault',
  );
}

/** What the audit log tells of a bucket's lock: also that there is none, since somebody may have ended it. */
export function lockDetails(bucket: VaultRecord['bucket'] | undefined): { lock?: string } {
  if (!bucket) return {};
  return { lock: bucket.lock ? `${bucket.lock.days} days, ${bucket.lock.mode}` : 'none' };
}
