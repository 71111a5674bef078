import { z } from 'zod';
import { assertionSchema } from '../../protocol/drill.ts';
import { JOB_KINDS, JOB_STATES, jobResultSchema, progressSchema } from '../../protocol/job.ts';
import {
  backupPreflightSchema,
  findingSchema,
  restorePlanSchema,
  restorePreflightSchema,
} from '../../protocol/restore.ts';
import { tableSelectionSchema } from '../../protocol/selection.ts';
import { DRILL_OUTCOMES } from '../db/schema/drills.ts';
import { agentState, bytes, count, failure, named, time, timeOrNull, uuid } from './shapes-common.ts';
import { databaseSchedule, policyChoice, reason } from './shapes-policies.ts';

/** How one drill ended. */
export const drill = named(
  'Drill',
  z.object({ jobId: uuid, snapshotId: uuid, outcome: z.enum(DRILL_OUTCOMES), finishedAt: time }),
);

const snapshotFields = {
  id: uuid,
  databaseId: uuid,
  databaseName: z.string(),
  serverId: uuid,
  serverName: z.string(),
  engine: z.string(),
  sequence: count,
  createdAt: time,
  startedAt: time,
  finishedAt: time,
  rawBytes: bytes,
  /** What its backup had to upload. */
  storedBytes: bytes,
  serverVersion: z.string(),
  tool: z.string(),
  /** Whether rows were left out. */
  partial: z.boolean(),
  beforeRestoreJobId: uuid.nullable(),
  /** Whether the vault's replica has all of it; null without one. */
  copied: z.boolean().nullable(),
  lockedUntil: timeOrNull,
  pinned: z.boolean(),
  note: z.string().nullable(),
  kept: z.array(reason),
  expiresAt: timeOrNull,
  state: z.enum(['good', 'damaged']),
  drill: drill.nullable(),
};

export const snapshot = named('Snapshot', z.object(snapshotFields));

export const snapshotInFull = named(
  'SnapshotInFull',
  z.object({
    ...snapshotFields,
    catalog: z.object({
      tables: z.array(
        z.object({
          schema: z.string(),
          name: z.string(),
          rows: count,
          bytes,
        }),
      ),
      objectCounts: z.record(z.string(), z.number()),
      /** Tables without their rows. */
      leftOut: z.array(z.string()),
    }),
  }),
);

export const plan = named('RestorePlan', restorePlanSchema);
export const progress = named('Progress', progressSchema);
export const finding = named('Finding', findingSchema);
export const backupPreflight = named('BackupPreflight', backupPreflightSchema);
export const restorePreflight = named('RestorePreflight', restorePreflightSchema);
export const selection = named('TableSelection', tableSelectionSchema);

const jobFields = {
  id: uuid,
  kind: z.enum(JOB_KINDS),
  state: z.enum(JOB_STATES),
  databaseId: uuid,
  databaseName: z.string(),
  serverId: uuid,
  serverName: z.string(),
  agentId: uuid,
  agentName: z.string(),
  snapshotId: uuid.nullable(),
  attempt: count,
  maxAttempts: count,
  createdAt: time,
  startedAt: timeOrNull,
  finishedAt: timeOrNull,
  cancelRequested: z.boolean(),
  progress: progress.nullable(),
  ratePerSecond: z.number().nullable(),
  etaSeconds: z.number().nullable(),
  result: named('JobResult', jobResultSchema).nullable(),
  failure: failure.nullable(),
  plan: plan.nullable(),
  oneTimeAccount: z.boolean(),
  safetyJobId: uuid.nullable(),
  safetySnapshotId: uuid.nullable(),
  safetyForJobId: uuid.nullable(),
  requestedBy: z.string(),
};

export const assertions = z.object({ assertions: z.array(named('Assertion', assertionSchema.extend({}))) });

export const job = named('Job', z.object(jobFields));

export const jobInFull = named(
  'JobInFull',
  z.object({
    ...jobFields,
    attempts: z.array(
      z.object({
        attempt: count,
        state: z.string(),
        startedAt: time,
        finishedAt: timeOrNull,
        failure: failure.nullable(),
      }),
    ),
    log: z.array(z.object({ at: time, text: z.string() })),
  }),
);

export const database = named(
  'Database',
  z.object({
    id: uuid,
    serverId: uuid,
    serverName: z.string(),
    agentId: uuid,
    agentName: z.string(),
    agentState,
    engine: z.string(),
    name: z.string(),
    createdAt: time,
    protected: z.boolean(),
    /** Whose rows its backups hold; null: everybody's. */
    selection: selection.nullable(),
    schedule: databaseSchedule.nullable(),
    policyChoice,
    snapshotCount: count,
    lastSnapshot: snapshot.nullable(),
    lastJob: job.nullable(),
    drill: z.object({
      verdict: drill.nullable(),
      last: drill.nullable(),
      openJobId: uuid.nullable(),
      everyDays: count.nullable(),
      nextAt: timeOrNull,
    }),
    status: z.enum(['protected', 'at-risk', 'unprotected']),
    statusReason: z.string(),
    statusSince: time,
  }),
);

export const overview = named(
  'Overview',
  z.object({
    databases: z.object({ total: count, protected: count, atRisk: count, unprotected: count }),
    drills: z.object({ never: count, failed: count }),
    attention: z.array(
      z.object({
        databaseId: uuid,
        name: z.string(),
        serverName: z.string(),
        reason: z.string(),
        since: time,
      }),
    ),
    agents: z.object({ total: count, online: count }),
    storage: z.object({ rawBytes: bytes, storedBytes: bytes, snapshots: count }),
    activeJobs: z.array(job),
    recentJobs: z.array(job),
  }),
);

export const backupHour = named(
  'BackupHour',
  z.object({
    /** Its beginning. */
    hour: time,
    succeeded: count,
    failed: count,
  }),
);

export const databaseCounts = named(
  'DatabaseCounts',
  z.object({ protected: count, atRisk: count, unprotected: count }),
);
