import { fail } from '../../protocol/failure.ts';

/** Restores that may wait with an account of their own at the same time; each blob is up to 200 kB. */
const MAX_KEPT = 100;

/**
 * Credentials given for one restore each, sealed to its agent: in memory only, and only until an agent has taken the
 * job. They are in no table, log, event or answer; a restart forgets them.
 */
export interface OneTimeAccounts {
  /** @throws FailureError `conflict` where too many wait already */
  keep(jobId: string, sealed: string): void;
  of(jobId: string): string | undefined;
  forget(jobId: string): void;
}

export function createOneTimeAccounts(): OneTimeAccounts {
  const kept = new Map<string, string>();
  return {
    keep(jobId, sealed) {
      if (kept.size >= MAX_KEPT) {
        throw fail(
          'conflict',
          'Too many restores with an account of their own are waiting.',
          'Wait for one of them to begin, or cancel it.',
        );
      }
      kept.set(jobId, sealed);
    },
    of: (jobId) => kept.get(jobId),
    forget: (jobId) => void kept.delete(jobId),
  };
}

/** The end of a restore whose account is not known any more. */
export function accountForgotten() {
  return fail(
    'credentials_missing',
    'The control plane was restarted before the agent took this restore, and has forgotten the account given for it. Nothing was changed.',
    'Start the restore again and type the account’s password once more.',
  );
}
