import { z } from 'zod';

/** `skipped`: not looked at, because of what an earlier check found or for want of time. */
export const VERDICTS = ['ok', 'warning', 'failed', 'skipped'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** One thing that an agent looked at on its host or from there. Never holds a secret. */
export const checkResultSchema = z.object({
  /** For scripts: `control-plane.certificate`, `tools.<engine>`, `server.<id>`; those that exist are not renamed. */
  id: z.string().max(128),
  /** What was looked at, in words for people. */
  title: z.string().max(400),
  verdict: z.enum(VERDICTS),
  /** What was found. */
  seen: z.string().max(8192),
  /** What to do about it; with every warning and failure. */
  fix: z.string().max(8192).optional(),
  /** A command or SQL that does it, ready to paste. */
  paste: z.string().max(8192).optional(),
  /** Code of the failure behind it, where there is one. */
  code: z.string().max(64).optional(),
});
export type CheckResult = z.infer<typeof checkResultSchema>;

/** All that was looked at, in the order to read it. */
export const doctorReportSchema = z.object({
  /** The agent's. */
  version: z.string().max(64),
  hostname: z.string().max(255),
  checks: z.array(checkResultSchema).max(600),
});
export type DoctorReport = z.infer<typeof doctorReportSchema>;
