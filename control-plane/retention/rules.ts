import { z } from 'zod';

const number = (most: number) => z.number().int().min(0).max(most).default(0);

/** Rules that keep the newest snapshot of each of so many periods that have one. */
export const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type Period = (typeof PERIODS)[number];

/** Which snapshots of a database stay. A snapshot that any rule keeps stays; 0 turns a rule off. */
export const retentionSchema = z
  .object({
    /** The newest so many. */
    last: number(1000),
    /** All that are at most so many days older than the newest. */
    withinDays: number(3650),
    hourly: number(1000),
    daily: number(1000),
    weekly: number(1000),
    monthly: number(1000),
    yearly: number(100),
    /** Days that pass before what no rule keeps is deleted. */
    graceDays: z.number().int().min(0).max(365).default(7),
  })
  .refine(({ graceDays, ...rules }) => Object.values(rules).some((count) => count > 0), {
    message: 'must keep something: set at least one rule to 1 or more',
  });
export type Retention = z.infer<typeof retentionSchema>;

/** What keeps a snapshot. */
export type Reason =
  | { rule: 'pinned' | 'newest' | 'last' | 'within' | 'damaged' | 'drilled' }
  /** `period`: which one, in the policy's time zone: `2026-09-12 14:00`, `2026-09-12`, `2026-W37`, `2026-09`, `2026`. */
  | { rule: Period; period: string };
