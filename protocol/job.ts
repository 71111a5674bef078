import { z } from 'zod';
import { sealedCredentialsSchema } from './credentials.ts';
import { assertionSchema, drillReportSchema, MAX_ASSERTIONS } from './drill.ts';
import { failureSchema } from './failure.ts';
import { restorePlanSchema, restoreReportSchema } from './restore.ts';
import { tableSelectionSchema } from './selection.ts';

export const JOB_KINDS = ['backup', 'restore', 'drill'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** `queued → offered → running → succeeded | failed | cancelled | lost`; a job ends exactly once. */
export const JOB_STATES = [
  'queued',
  'offered',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'lost',
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** Identifies one try of a job; whatever carries an older attempt is refused. */
export const attemptSchema = z.object({ jobId: z.uuid(), attempt: z.number().int().positive() });
export type Attempt = z.infer<typeof attemptSchema>;

const count = z.number().int().nonnegative();

/** Where a running job stands. Coalesced by the agent; may be dropped. */
export const progressSchema = z.object({
  phase: z.string().max(64),
  /** Plaintext bytes: read from the dump, or handed to the restoring tool. */
  rawBytes: count,
  /** Sealed bytes sent to, or read from, the vault. */
  storedBytes: count,
  /** Backup: plaintext bytes that were in the vault already. */
  reusedBytes: count,
  /** Expected total of `rawBytes`; exact for restores and drills, the size on the server for backups. */
  totalBytes: count.nullable(),
});
export type Progress = z.infer<typeof progressSchema>;

const offerBase = attemptSchema.extend({
  /** Lease in milliseconds: how long the control plane waits for a silent agent. */
  leaseMs: count,
  /** The job is stopped after this many milliseconds without a byte or a change of phase. */
  stallMs: count,
  serverId: z.uuid(),
});

/** The vault a job is about. */
const offeredVaultSchema = z.object({
  id: z.uuid(),
  /** Text of the vault's signed `vault.json`. */
  statement: z.string().max(65536),
  /** Packs may travel between the agent and the store itself: `protocol/direct.ts`. */
  direct: z.boolean().optional(),
});
export type OfferedVault = z.infer<typeof offeredVaultSchema>;

export const backupOfferSchema = offerBase.extend({
  kind: z.literal('backup'),
  snapshotId: z.uuid(),
  sequence: z.number().int().positive(),
  serverName: z.string().max(255),
  database: z.object({ id: z.uuid(), name: z.string().min(1).max(255) }),
  selection: tableSelectionSchema.optional(),
  /** It is made before a restore over the database: the snapshot says so of itself. */
  safety: z.boolean().optional(),
  vault: offeredVaultSchema,
});
export type BackupOffer = z.infer<typeof backupOfferSchema>;

export const restoreOfferSchema = offerBase.extend({
  kind: z.literal('restore'),
  snapshotId: z.uuid(),
  vault: offeredVaultSchema,
  plan: restorePlanSchema,
  /** Credentials for this restore alone, at the same host and port; the agent forgets them with the job. */
  sealed: sealedCredentialsSchema.optional(),
});
export type RestoreOffer = z.infer<typeof restoreOfferSchema>;

/** Restore a snapshot on a disposable server of the agent's own, check it, and drop it. */
export const drillOfferSchema = offerBase.extend({
  kind: z.literal('drill'),
  snapshotId: z.uuid(),
  database: z.object({ id: z.uuid(), name: z.string().min(1).max(255) }),
  vault: offeredVaultSchema,
  assertions: z.array(assertionSchema).max(MAX_ASSERTIONS),
});
export type DrillOffer = z.infer<typeof drillOfferSchema>;

export const jobOfferSchema = z.discriminatedUnion('kind', [
  backupOfferSchema,
  restoreOfferSchema,
  drillOfferSchema,
]);
export type JobOffer = z.infer<typeof jobOfferSchema>;

export const backupResultSchema = z.object({
  kind: z.literal('backup'),
  snapshotId: z.uuid(),
  /** Plaintext bytes of all streams. */
  rawBytes: count,
  /** Sealed bytes this attempt uploaded. */
  storedBytes: count,
  reusedBytes: count,
});
export const restoreResultSchema = z.object({
  kind: z.literal('restore'),
  rawBytes: count,
  report: restoreReportSchema,
});
/** Of a drill that came to its end; whether the snapshot passed is in the report. */
export const drillResultSchema = z.object({
  kind: z.literal('drill'),
  rawBytes: count,
  report: drillReportSchema,
});
export const jobResultSchema = z.discriminatedUnion('kind', [
  backupResultSchema,
  restoreResultSchema,
  drillResultSchema,
]);
export type JobResult = z.infer<typeof jobResultSchema>;

export const jobOutcomeSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('succeeded'), result: jobResultSchema }),
  z.object({ state: z.literal('failed'), failure: failureSchema }),
  z.object({ state: z.literal('cancelled') }),
]);
export type JobOutcome = z.infer<typeof jobOutcomeSchema>;

/**
 * What a restoring agent fetches from `GET /agent/v1/jobs/:id/source`, JSON. Nothing in it is trusted: the
 * manifest is checked against the certificate, the certificate against the vault's pinned key, each key
 * against the manifest, each chunk against its id.
 */
export const restoreSourceSchema = z.object({
  /** base64 of the manifest file. */
  manifest: z.base64(),
  /** Text of `agents/<id>.json` of the signer. */
  certificate: z.string(),
  /** base64 of an age file to this agent's sealing key: JSON `{ [keyId]: base64url secret }`, id key included. */
  keys: z.base64(),
  /** Packs by name (SHA-256, hex). */
  packs: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
  /** For every distinct chunk: [id hex, index into `packs`, offset, sealed length], bytes. */
  chunks: z.array(z.tuple([z.string(), count, count, count])),
});
export type RestoreSourceDocument = z.infer<typeof restoreSourceSchema>;

/**
 * What the agent of a backup fetches from `GET /agent/v1/jobs/:id/heritage` that took the place of another one, JSON.
 * Nothing in it is trusted: the manifest is checked against the last certificate, each certificate against the vault's
 * pinned key and the one before it, the id key against the manifest.
 */
export const heritageSchema = z.object({
  /** base64 of the manifest file of the newest snapshot of the database by an agent before this one. */
  manifest: z.base64(),
  /** Texts of `agents/<id>.json`: of the predecessor, of the one whose place that had taken, …, of the signer. */
  certificates: z.array(z.string()).min(1),
  /** base64 of an age file to this agent's sealing key: JSON `{ [id of the id key]: base64url secret }`. */
  keys: z.base64(),
});
export type HeritageDocument = z.infer<typeof heritageSchema>;
