import { z } from 'zod';
import { OWNER_CHOICES, RESTORE_MODES, RESTORE_SWITCHES } from './engines/engine.ts';

/** Something preflight found out; only a `blocker` keeps the job from starting. */
export const findingSchema = z.object({
  severity: z.enum(['blocker', 'warning', 'info']),
  /** Stable name of the kind of finding, e.g. `role_missing`. */
  code: z.string().max(64),
  message: z.string().max(4096),
  hint: z.string().max(4096).optional(),
  /** SQL to paste that removes the cause. */
  sql: z.string().max(8192).optional(),
  /** Restore modes it is about; all where absent. */
  modes: z.array(z.enum(RESTORE_MODES)).optional(),
});
export type Finding = z.infer<typeof findingSchema>;

/** What a backup of one database would do, find and miss. */
export const backupPreflightSchema = z.object({
  findings: z.array(findingSchema),
  serverVersion: z.string(),
  tool: z.string(),
  /** Size of the database on the server, in bytes: the yardstick for progress, not the dump's size. */
  estimatedBytes: z.number(),
});
export type BackupPreflight = z.infer<typeof backupPreflightSchema>;

/** How and where a snapshot is put back. */
export const restorePlanSchema = z.object({
  mode: z.enum(RESTORE_MODES),
  /** Name of the database to create (`new`), to exchange (`swap`) or to fill anew (`in-place`). */
  targetDatabase: z.string().min(1).max(255),
  owners: z.enum(OWNER_CHOICES),
  /** With `map`: the role or account that takes over. */
  mapTo: z.string().min(1).max(255).optional(),
  /** Whether live sessions on the target may be ended for the swap. */
  endSessions: z.boolean(),
  /** What is done only when asked. */
  switches: z.array(z.enum(RESTORE_SWITCHES)).optional(),
});
export type RestorePlan = z.infer<typeof restorePlanSchema>;

const verdict = z.object({ possible: z.boolean(), reason: z.string(), sql: z.string().optional() });

/** What a restore would do on one target; the page and the agent decide from the same answer. */
export const restorePreflightSchema = z.object({
  findings: z.array(findingSchema),
  modes: z.array(verdict.extend({ mode: z.enum(RESTORE_MODES) })),
  ownerChoices: z.array(verdict.extend({ choice: z.enum(OWNER_CHOICES) })),
  /** What the snapshot needs and the target lacks, by kind (`Roles`, `Extensions` …); kinds without names are absent. */
  missing: z.array(z.object({ kind: z.string(), names: z.array(z.string()) })),
  serverVersion: z.string(),
  tool: z.string(),
  target: z.object({
    exists: z.boolean(),
    sizeBytes: z.number().optional(),
    sessions: z.number().optional(),
    /** With `swap`: the name the present database will be kept under. */
    keptAs: z.string().optional(),
  }),
});
export type RestorePreflight = z.infer<typeof restorePreflightSchema>;

/** What a finished restore did. */
export const restoreReportSchema = z.object({
  database: z.string(),
  mode: z.enum(RESTORE_MODES),
  keptAs: z.string().optional(),
  /** Sentences for the report: what was created, mapped, left out. */
  notes: z.array(z.string()),
});
export type RestoreReport = z.infer<typeof restoreReportSchema>;
