import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { s3Failure, statusOf } from './s3-errors.ts';
import type { S3Options } from './s3-options.ts';
import type { DirectAccess } from './store.ts';

/** Seconds an address to write to is good for: a pack over a thin line. */
const UPLOAD_SECONDS = 30 * 60;
/** Seconds an address to read from is good for; the agent asks anew. */
const DOWNLOAD_SECONDS = 60 * 60;

export interface BucketDoor {
  client: S3Client;
  options: S3Options;
  /** Bucket and key of a file. */
  at(name: string): { Bucket: string; Key: string };
  remove(name: string): Promise<void>;
}

/**
 * Addresses with a signature of ours in them. It covers the checksum and `If-None-Match: *`: whoever has one can write
 * these bytes under this name once, and nothing else.
 */
export function createDirectAccess({ at, client, options, remove }: BucketDoor): DirectAccess {
  return {
    remove,
    async uploadAddress(name, sha256) {
      const { sse, storageClass } = options;
      const checksum = Buffer.from(sha256, 'hex').toString('base64');
      const headers: Record<string, string> = {
        'if-none-match': '*',
        'x-amz-checksum-sha256': checksum,
        'x-amz-sdk-checksum-algorithm': 'SHA256',
        ...(sse === 'none' ? {} : { 'x-amz-server-side-encryption': sse }),
        ...(storageClass ? { 'x-amz-storage-class': storageClass } : {}),
      };
      const command = new PutObjectCommand({
        ...at(name),
        IfNoneMatch: '*',
        ChecksumAlgorithm: 'SHA256',
        ChecksumSHA256: checksum,
        ...(sse === 'none' ? {} : { ServerSideEncryption: sse }),
        ...(storageClass ? { StorageClass: storageClass as 'STANDARD' } : {}),
      });
      const unhoistableHeaders = new Set(Object.keys(headers));
      const url = await getSignedUrl(client, command, { expiresIn: UPLOAD_SECONDS, unhoistableHeaders });
      return { url, headers };
    },
    downloadAddress: (name) =>
      getSignedUrl(client, new GetObjectCommand(at(name)), { expiresIn: DOWNLOAD_SECONDS }),
    async inspect(name) {
      try {
        const asked = new HeadObjectCommand({ ...at(name), ChecksumMode: 'ENABLED' });
        const { ChecksumSHA256, ContentLength } = await client.send(asked);
        const sha256 = ChecksumSHA256 && Buffer.from(ChecksumSHA256, 'base64').toString('hex');
        return { length: ContentLength ?? 0, ...(sha256 ? { sha256 } : {}) };
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw s3Failure(error, options);
      }
    },
  };
}
