import { z } from 'zod';
import { isName } from './names.ts';

/** What a bucket of any maker needs to be used; sealed under the master key where it is kept. */
export const s3OptionsSchema = z.object({
  kind: z.literal('s3'),
  /** Address of the service, e.g. `https://minio.example.org:9000`; absent: AWS’s own of the region. */
  endpoint: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' })
    .refine((url) => /^https?:\/\/[^/?#@]+\/?$/.test(url), 'must be scheme, host and port only')
    .optional(),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'must be letters, digits and dashes')
    .default('us-east-1'),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket'),
  /** Folder in the bucket that holds the vault, without slashes at its ends; empty: the bucket itself. */
  prefix: z
    .string()
    .max(512)
    .refine(
      (prefix) => prefix === '' || isName(prefix),
      'must be like backups/homeport, without slashes at its ends',
    )
    .default(''),
  /** Bucket in the path instead of in the host name, as MinIO and Ceph are mostly set up. */
  pathStyle: z.boolean().default(false),
  accessKeyId: z.string().min(1).max(256),
  secretAccessKey: z.string().min(1).max(1024),
  /** Encryption at the server, asked for with each write; `none`: whatever the bucket does by itself. */
  sse: z.enum(['none', 'AES256', 'aws:kms']).default('none'),
  /** Of packs; keys and manifests are small and always kept in the standard one. */
  storageClass: z
    .string()
    .regex(/^[A-Z0-9_-]{1,64}$/, 'must be like STANDARD_IA')
    .optional(),
  /**
   * `sha256`: each write carries its hash in `x-amz-checksum-sha256`, which the store keeps. `none` is for stores
   * that refuse that header; writes are then protected by the signature alone, which covers the same hash.
   */
  checksums: z.enum(['sha256', 'none']).default('sha256'),
  /** Agents send packs to the bucket and fetch them there themselves: only where it was seen to prove checksums. */
  direct: z.boolean().default(false),
  /** Object Lock: how whatever is written is locked; absent: not at all, but for what the bucket does by itself. */
  lock: z
    .object({
      /** `governance`: who has the right to may lift it; `compliance`: nobody. */
      mode: z.enum(['governance', 'compliance']).default('governance'),
      /** From a commit on. */
      days: z.number().int().min(1).max(36_500),
      /** Whether the vault's own access key may lift it: found by the test of the bucket. */
      liftable: z.boolean().default(false),
    })
    .optional(),
});

export type S3Options = z.infer<typeof s3OptionsSchema>;

/** Where it is, in words and without secrets. */
export function describeBucket({ bucket, endpoint, prefix, region }: S3Options): string {
  const path = prefix === '' ? bucket : `${bucket}/${prefix}`;
  return `s3://${path} at ${endpoint === undefined ? `AWS ${region}` : new URL(endpoint).host}`;
}
