import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { CreateBucketCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
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
  /** Keys of all objects in a bucket. */
  keys(bucket: string): Promise<string[]>;
  stop(): Promise<void>;
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
  return {
    port,
    client,
    async bucket(bucket, change = {}) {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      return s3OptionsSchema.parse({ kind: 's3', endpoint, bucket, pathStyle: true, ...KEYS, ...change });
    },
    async keys(bucket) {
      const keys: string[] = [];
      for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket }))
        keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''));
      return keys;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
