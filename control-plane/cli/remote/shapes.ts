import { z } from 'zod';
import { JOB_KINDS, JOB_STATES, progressSchema } from '../../../protocol/job.ts';
import {
  backupPreflightSchema,
  restorePlanSchema,
  restorePreflightSchema,
} from '../../../protocol/restore.ts';

/**
 * What this program reads of the API's replies. The rest is passed on as it came, so that `--json` gives the API's
 * objects, those of a newer control plane too.
 */
const text = z.string();
const count = z.number();
const maybe = text.nullable();

export const meShape = z.looseObject({
  user: z.looseObject({ name: text, email: text }),
  controlPlane: z.looseObject({ url: text, version: text, fingerprint: text }),
});

const other = z.looseObject({ id: text, name: text });
const agentState = z.enum(['online', 'offline', 'revoked']);
export const agentShape = z.looseObject({
  id: text,
  name: text,
  state: agentState,
  connectedSince: maybe,
  lastSeenAt: maybe,
  version: maybe,
  fingerprint: text,
  sealingKey: text,
  createdAt: text,
  serverCount: count,
  databaseCount: count,
  /** The agent whose place it took, and the one that took its own. */
  predecessor: other.nullable().optional(),
  successor: other.nullable().optional(),
});
export type Agent = z.infer<typeof agentShape>;

export const newTokenShape = z.looseObject({
  id: z.string(),
  token: z.string(),
  command: z.string(),
  via: z.string(),
  expiresAt: z.string(),
});

export const failureShape = z.looseObject({
  code: text,
  message: text,
  hint: text,
  sql: text.optional(),
  detail: text.optional(),
});

export const serverShape = z.looseObject({
  id: text,
  agentId: text,
  agentName: text,
  agentState,
  name: text,
  engine: text,
  connection: z.record(text, z.unknown()),
  removedFromAgent: z.boolean(),
  /** Since when its agent waits for the credentials. */
  awaitsCredentialsSince: maybe.optional(),
  version: maybe,
  databaseCount: count,
  autoProtect: z.looseObject({ since: text, failure: failureShape.nullable() }).nullable().optional(),
});
export type Server = z.infer<typeof serverShape>;

/** How a login to a server went. */
export const serverFactsShape = z.looseObject({ version: text, user: text, privileges: text });

/** What an agent found on its host. */
export const discoveredShape = z.looseObject({
  servers: z.array(
    z.looseObject({
      engine: text,
      version: maybe,
      host: text,
      port: count,
      source: text,
      container: text.optional(),
      serverId: maybe,
    }),
  ),
  notes: z.array(text),
});

export const snapshotShape = z.looseObject({
  id: text,
  databaseId: text,
  databaseName: text,
  serverId: text,
  serverName: text,
  engine: text,
  sequence: count,
  createdAt: text,
  rawBytes: count,
  storedBytes: count,
  serverVersion: text,
  /** Whether rows of some tables were left out. */
  partial: z.boolean().optional(),
  /** Whether the vault's replica has it. */
  copied: z.boolean().nullable().optional(),
  /** Until when nobody can delete what it needs. */
  lockedUntil: maybe.optional(),
  state: z.enum(['good', 'damaged']),
  pinned: z.boolean(),
  note: maybe,
  kept: z.array(z.looseObject({ rule: text, period: text.optional() })),
  /** When it is deleted because its policy does not keep it. */
  expiresAt: maybe,
});
export type Snapshot = z.infer<typeof snapshotShape>;

export const jobShape = z.looseObject({
  id: text,
  kind: z.enum(JOB_KINDS),
  state: z.enum(JOB_STATES),
  databaseName: text,
  serverName: text,
  agentName: text,
  snapshotId: maybe,
  attempt: count,
  maxAttempts: count,
  createdAt: text,
  startedAt: maybe,
  finishedAt: maybe,
  cancelRequested: z.boolean(),
  progress: progressSchema.loose().nullable(),
  ratePerSecond: count.nullable(),
  etaSeconds: count.nullable(),
  result: z
    .looseObject({
      rawBytes: count,
      storedBytes: count.optional(),
      reusedBytes: count.optional(),
      report: z.looseObject({ notes: z.array(text), keptAs: text.optional() }).optional(),
    })
    .nullable(),
  failure: failureShape.nullable(),
  plan: restorePlanSchema.loose().nullable(),
  requestedBy: maybe.optional(),
  /** The backup of the target that a restore waits for. */
  safetyJobId: maybe.optional(),
  safetySnapshotId: maybe.optional(),
});
export type Job = z.infer<typeof jobShape>;

export const jobInFullShape = jobShape.extend({
  attempts: z.array(
    z.looseObject({
      attempt: count,
      state: text,
      startedAt: text,
      finishedAt: maybe,
      failure: failureShape.nullable(),
    }),
  ),
  log: z.array(z.looseObject({ at: text, text })),
});

export const databaseShape = z.looseObject({
  id: text,
  serverId: text,
  serverName: text,
  agentName: text,
  agentState,
  engine: text,
  name: text,
  protected: z.boolean(),
  snapshotCount: count,
  lastSnapshot: snapshotShape.nullable(),
  lastJob: jobShape.nullable(),
  status: text,
  statusReason: text,
  /** Patterns of tables whose rows are backed up; of all where it is `null`. */
  selection: z
    .looseObject({ include: z.array(text), exclude: z.array(text) })
    .nullable()
    .optional(),
});
export type Database = z.infer<typeof databaseShape>;

export const availableShape = z.looseObject({
  databases: z.array(
    z.looseObject({
      name: text,
      sizeBytes: count.nullable(),
      owner: maybe.optional(),
      databaseId: maybe,
    }),
  ),
});

export const backupPreflightShape = backupPreflightSchema.loose();
export const preflightShape = restorePreflightSchema.loose();

export const progressEventShape = z.object({
  jobId: text,
  attempt: count,
  progress: progressSchema,
  state: z.enum(JOB_STATES),
  ratePerSecond: count.nullable(),
  etaSeconds: count.nullable(),
});

export const vaultShape = z.looseObject({
  id: text,
  name: text,
  store: text,
  snapshotCount: count,
  storedBytes: count,
  kitDownloadedAt: maybe.optional(),
  isDefault: z.boolean().optional(),
  bucket: z.record(text, z.unknown()).nullable().optional(),
});

export const spaceShape = z.looseObject({
  free: count.nullable(),
  total: count.nullable(),
  stored: count,
  perMonth: z.array(z.looseObject({ month: text, bytes: count })),
  bytesPerDay: count.nullable(),
  fullAt: maybe,
});

export const bucketVaultShape = z.looseObject({
  id: text,
  name: text,
  path: text,
  bucket: z.record(text, z.unknown()).nullable(),
});
