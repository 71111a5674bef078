import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';
import { counted } from '../text.ts';

/** Object Lock of a bucket, as it is typed. */
export interface LockOptions {
  lockDays?: number;
  lockMode?: string;
  /** `false`: what is written from now on is not locked. */
  lock?: boolean;
}

const lockShape = z.looseObject({ mode: z.string(), days: z.number(), liftable: z.boolean().optional() });

/**
 * The lock that was asked for, under the API's names; undefined where nothing was said of it.
 * @param known the one that the bucket has so far
 */
export function lockGiven({ lock, lockDays, lockMode }: LockOptions, known?: unknown) {
  if (lock === false || (lockDays === undefined && lockMode === undefined)) return undefined;
  const before = lockShape.safeParse(known).data;
  const days = lockDays ?? before?.days;
  if (days === undefined)
    throw fail('invalid_input', 'For how long are files to be locked?', 'Give --lock-days as well.');
  return { days, mode: lockMode ?? before?.mode ?? 'governance' };
}

/** What there is to say of a bucket's lock. */
export function lockLines(lock: unknown): string[] {
  const { data } = lockShape.safeParse(lock);
  if (!data) return [];
  const lines = [`What a backup needs is locked for ${counted(data.days, 'day')} (${data.mode}).`];
  if (data.liftable)
    lines.push('Its access key can lift that: take s3:BypassGovernanceRetention from it, or use compliance.');
  return lines;
}

/** The same in a table. */
export function lockText(bucket: Record<string, unknown> | null | undefined): string {
  const { data } = lockShape.safeParse(bucket?.lock);
  return data ? `${counted(data.days, 'day')}, ${data.mode}` : '–';
}

/** Days, as they are typed. */
export function lockDays(text: string): number {
  if (/^[0-9]{1,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number of days.');
}
