import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { type S3Options, s3OptionsSchema } from '../../control-plane/vault/stores/s3-options.ts';
import { createOutgoing } from '../../protocol/outgoing.ts';
import { makePlace, startServerProcess } from './server-process.ts';
import { suiteRoot } from './suites.ts';

/** A throwaway S3 server: moto’s, which keeps objects in memory. */
export interface S3Server extends AsyncDisposable {
  readonly port: number;
  readonly client: S3Client;
  /** Makes a bucket; says how a store uses it. */
  bucket(name: string, change?: Partial<S3Options>): Promise<S3Options>;
  /** Makes a bucket with Object Lock, and so with versions. */
  lockable(name: string, change?: Partial<S3Options>): Promise<S3Options>;
  /** Every version of every object, and the delete markers; newest first for each key. */
  versions(bucket: string): Promise<StoredVersion[]>;
  /** Puts a delete marker on every object, as somebody does who deletes them. */
  deleteAll(bucket: string, prefix?: string): Promise<void>;
  /** Takes all delete markers away that are on top. */
  undelete(bucket: string): Promise<void>;
  /** Keys of all objects in a bucket. */
  keys(bucket: string): Promise<string[]>;
  stop(): Promise<void>;
}

export interface StoredVersion {
  key: string;
  versionId: string;
  isMarker: boolean;
  isLatest: boolean;
}

/** Outgoing requests that may go to this host. */
export const anywhere = createOutgoing(true);

const KEYS = { accessKeyId: 'AKIDTEST', secretAccessKey: 'canary-secret-of-the-bucket' };

export async function startS3Server(): Promise<S3Server> {
  const place = await makePlace('homeport-s3-', 'nobody', suiteRoot('s3'));
  const { child, port } = await startServerProcess({
    place,
    command: (free) => ['moto_server', '-H', '127.0.0.1', '-p', String(free)],
    ready: /Running on/,
    env: { HOME: place.inside },
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: KEYS });
  const stop = async () => {
    client.destroy();
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL'); // it keeps nothing
      await gone;
    }
    await rm(place.directory, { recursive: true, force: true });
  };
  const optionsOf = (bucket: string, change: Partial<S3Options>) =>
    s3OptionsSchema.parse({ kind: 's3', endpoint, bucket, pathStyle: true, ...KEYS, ...change });
  const keys = async (bucket: string) => {
    const pages = await Array.fromAsync(paginateListObjectsV2({ client }, { Bucket: bucket }));
    return pages.flatMap(({ Contents = [] }) => Contents.map(({ Key }) => Key ?? ''));
  };
  return {
    port,
    client,
    async bucket(bucket, change = {}) {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      return optionsOf(bucket, change);
    },
    async lockable(bucket, change = {}) {
      await client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
      return optionsOf(bucket, change);
    },
    versions: (bucket) => versionsIn(client, bucket),
    async deleteAll(bucket, prefix = '') {
      for (const Key of await keys(bucket))
        if (Key.startsWith(prefix)) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    },
    async undelete(bucket) {
      for (const { isLatest, isMarker, key, versionId } of await versionsIn(client, bucket))
        if (isMarker && isLatest)
          await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
    },
    keys,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function versionsIn(client: S3Client, Bucket: string): Promise<StoredVersion[]> {
  const found: StoredVersion[] = [];
  let from: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (;;) {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket, ...from }));
    for (const [isMarker, versions] of [
      [false, page.Versions ?? []],
      [true, page.DeleteMarkers ?? []],
    ] as const)
      for (const { IsLatest = false, Key: key = '', VersionId: versionId = '' } of versions)
        found.push({ key, versionId, isMarker, isLatest: IsLatest });
    if (!page.IsTruncated) return found;
    from = { KeyMarker: page.NextKeyMarker ?? '', VersionIdMarker: page.NextVersionIdMarker ?? '' };
  }
}
