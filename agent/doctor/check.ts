import type { CheckResult, Verdict } from '../../protocol/doctor.ts';
import { type Failure, FailureError, toFailure } from '../../protocol/failure.ts';

/** What a check is about: its stable id and its title. */
export interface Subject {
  id: string;
  title: string;
}

/** What was found, but for what it was about. */
export type Finding = Omit<CheckResult, 'id' | 'title'>;

const LONGEST = 2_000;

export function found(subject: Subject, finding: Finding): CheckResult {
  const { seen, fix, ...rest } = finding;
  return { ...subject, ...rest, seen: cut(seen), ...(fix === undefined ? {} : { fix: cut(fix) }) };
}

export const ok = (seen: string): Finding => ({ verdict: 'ok', seen });
export const skipped = (seen: string): Finding => ({ verdict: 'skipped', seen });

/** Something to mend. @param paste command or SQL that does it */
export function trouble(
  verdict: Extract<Verdict, 'warning' | 'failed'>,
  seen: string,
  { fix, paste }: { fix: string; paste?: string },
): Finding {
  return { verdict, seen, fix, ...(paste === undefined ? {} : { paste }) };
}

/** A failure as a finding. */
export function failedWith({ code, hint, message, sql }: Failure): Finding {
  return { ...trouble('failed', message, { fix: hint, ...(sql ? { paste: sql } : {}) }), code };
}

/**
 * Looks, within `limitMs`, and turns whatever is thrown into a finding. A look that does not end is left to itself.
 */
export async function look(
  subject: Subject,
  limitMs: number,
  act: (signal: AbortSignal) => Promise<Finding>,
): Promise<CheckResult> {
  const limit = new AbortController();
  const { promise: late, resolve } = Promise.withResolvers<Finding>();
  const timer = setTimeout(() => {
    limit.abort();
    resolve(tooSlow(limitMs));
  }, limitMs);
  try {
    return found(subject, await Promise.race([act(limit.signal), late]));
  } catch (error) {
    return found(subject, failedWith(error instanceof FailureError ? error.failure : toFailure(error)));
  } finally {
    clearTimeout(timer);
    limit.abort();
  }
}

function tooSlow(limitMs: number): Finding {
  const seen = `Nothing came of it within ${Math.round(limitMs / 1000)} s.`;
  return trouble('failed', seen, { fix: 'Look whether this host or the network is overloaded.' });
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}
