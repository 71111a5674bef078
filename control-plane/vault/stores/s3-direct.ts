import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { type Bucket, headObject } from './s3-head.ts';
import { lockHeaders, type S3Lock } from './s3-lock.ts';
import type { DirectAccess } from './store.ts';

/** Seconds an address to write to is good for: a pack over a thin line. */
const UPLOAD_SECONDS = 30 * 60;
/** Seconds an address to read from is good for; the agent asks anew. */
const DOWNLOAD_SECONDS = 60 * 60;

export interface BucketDoor extends Bucket {
  lock?: S3Lock | undefined;
  remove(name: string): Promise<void>;
}

/**
 * Addresses with a signature of ours in them. It covers the checksum, `If-None-Match: *` and the lock: whoever has one
 * can write these bytes under this name once, locked, and nothing else.
 */
export function createDirectAccess(door: BucketDoor): DirectAccess {
  const { at, client, lock, options, remove } = door;
  return {
    remove,
    async uploadAddress(name, sha256) {
      const { sse, storageClass } = options;
      const terms = lock?.terms(name);
      const checksum = Buffer.from(sha256, 'hex').toString('base64');
      const headers: Record<string, string> = {
        'if-none-match': '*',
        'x-amz-checksum-sha256': checksum,
        'x-amz-sdk-checksum-algorithm': 'SHA256',
        ...(sse === 'none' ? {} : { 'x-amz-server-side-encryption': sse }),
        ...(storageClass ? { 'x-amz-storage-class': storageClass } : {}),
        ...(terms ? lockHeaders(terms) : {}),
      };
      const command = new PutObjectCommand({
        ...at(name),
        IfNoneMatch: '*',
        ChecksumAlgorithm: 'SHA256',
        ChecksumSHA256: checksum,
        ...(sse === 'none' ? {} : { ServerSideEncryption: sse }),
        ...(storageClass ? { StorageClass: storageClass as 'STANDARD' } : {}),
        ...terms,
      });
      const unhoistableHeaders = new Set(Object.keys(headers));
      const url = await getSignedUrl(client, command, { expiresIn: UPLOAD_SECONDS, unhoistableHeaders });
      return { url, headers };
    },
    downloadAddress: (name) =>
      getSignedUrl(client, new GetObjectCommand(at(name)), { expiresIn: DOWNLOAD_SECONDS }),
    async inspect(name) {
      const found = await headObject(door, name);
      if (found?.lock) lock?.note(name, found.lock);
      return found;
    },
  };
}
