import { HeadObjectCommand, type HeadObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3';
import type { FileLock } from '../../db/store-locks.ts';
import { s3Failure, statusOf } from './s3-errors.ts';
import type { S3Options } from './s3-options.ts';

/** A bucket, and where files are in it. */
export interface Bucket {
  client: S3Client;
  options: S3Options;
  /** Bucket and key of a file. */
  at(name: string): { Bucket: string; Key: string };
}

/** What a bucket says of the present version of a file. */
export interface ObjectFacts {
  /** Bytes. */
  length: number;
  /** Hex: made by the bucket itself, where it keeps one. */
  sha256?: string;
  versionId?: string;
  lock?: FileLock;
}

/** Asks for a file, or for one version of it; `undefined` where there is none, or a delete marker. @throws FailureError `store_unavailable` */
export async function headObject(
  { at, client, options }: Bucket,
  name: string,
  VersionId?: string,
): Promise<ObjectFacts | undefined> {
  try {
    const which = { ...at(name), ...(VersionId === undefined ? {} : { VersionId }) };
    const found = await client.send(new HeadObjectCommand({ ...which, ChecksumMode: 'ENABLED' }));
    const { ChecksumSHA256, ContentLength } = found;
    const lock = lockIn(found);
    return {
      length: ContentLength ?? 0,
      ...(ChecksumSHA256 ? { sha256: Buffer.from(ChecksumSHA256, 'base64').toString('hex') } : {}),
      ...(found.VersionId === undefined ? {} : { versionId: found.VersionId }),
      ...(lock ? { lock } : {}),
    };
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw s3Failure(error, options);
  }
}

function lockIn(found: HeadObjectCommandOutput): FileLock | undefined {
  const { ObjectLockMode, ObjectLockRetainUntilDate } = found;
  if (ObjectLockMode === undefined || ObjectLockRetainUntilDate === undefined) return undefined;
  const mode = ObjectLockMode === 'COMPLIANCE' ? 'compliance' : 'governance';
  return { mode, until: ObjectLockRetainUntilDate.getTime() };
}
