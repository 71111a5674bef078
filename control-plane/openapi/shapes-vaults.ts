import { z } from 'zod';
import { bytes, count, failure, named, time, timeOrNull, uuid } from './shapes-common.ts';

export const selfBackup = named(
  'SelfBackup',
  z.object({
    last: z
      .object({ at: time, name: z.string(), place: z.string(), bytes, copied: z.boolean().nullable() })
      .nullable(),
    failure: z.object({ at: time, failure }).nullable(),
    nextAt: timeOrNull,
    running: z.boolean(),
    late: z.boolean(),
  }),
);

const store = z.enum(['local', 's3', 'rclone']);

const bucket = named(
  'Bucket',
  z.object({
    endpoint: z.string().nullable(),
    region: z.string(),
    bucket: z.string(),
    prefix: z.string(),
    pathStyle: z.boolean(),
    sse: z.enum(['none', 'AES256', 'aws:kms']),
    storageClass: z.string().nullable(),
    checksums: z.enum(['sha256', 'none']),
    direct: z.boolean(),
    lock: z
      .object({ mode: z.enum(['governance', 'compliance']), days: count, liftable: z.boolean() })
      .nullable(),
  }),
);

const remote = named(
  'Remote',
  z.object({
    /** `sftp`, or what rclone calls it. */
    type: z.string(),
    path: z.string(),
    sftp: z
      .object({
        host: z.string(),
        port: z.number().int(),
        user: z.string(),
        hostKeys: z.string(),
        fingerprints: z.array(z.string()),
      })
      .nullable(),
  }),
);

const replica = named(
  'Replica',
  z.object({
    store,
    path: z.string(),
    bucket: bucket.nullable(),
    remote: remote.nullable(),
    state: z.enum(['current', 'copying', 'waiting']),
    failure: failure.nullable(),
    nextTryAt: timeOrNull,
    moving: z.boolean(),
    snapshotCount: count,
    pending: z.object({ packs: count, bytes }),
  }),
);

const check = named(
  'VaultCheck',
  z.object({
    startedAt: time,
    finishedAt: timeOrNull,
    failure: failure.nullable(),
    files: count,
    checked: count,
    healed: count,
    recopied: count,
    lost: count,
    lostNames: z.array(z.string()),
  }),
);

const collection = named(
  'Collection',
  z.object({
    startedAt: time,
    finishedAt: timeOrNull,
    failure: failure.nullable(),
    packs: count,
    bytes,
    rewritten: count,
    skipped: count,
  }),
);

export const vault = named(
  'Vault',
  z.object({
    id: uuid,
    name: z.string(),
    mode: z.literal('managed'),
    store,
    path: z.string(),
    bucket: bucket.nullable(),
    remote: remote.nullable(),
    isDefault: z.boolean(),
    fingerprint: z.string(),
    snapshotCount: count,
    storedBytes: bytes,
    kitDownloadedAt: timeOrNull,
    createdAt: time,
    unreachable: failure.nullable(),
    replica: replica.nullable(),
    check: check.nullable(),
    /** Days between checks that begin by themselves; 0: none does. */
    checkEveryDays: count,
    collection: collection.nullable(),
    /** Snapshots that the index has lost without anybody deleting them. */
    forgottenCount: count,
    /** Files that are still to be removed from its stores. */
    leaving: z.object({ files: count, bytes }),
  }),
);

export const space = named(
  'VaultSpace',
  z.object({
    free: bytes.nullable(),
    total: bytes.nullable(),
    stored: bytes,
    perMonth: z.array(z.object({ month: z.string(), bytes })),
    bytesPerDay: z.number().nullable(),
    fullAt: timeOrNull,
  }),
);
