import { type Failure, FailureError } from '../../protocol/failure.ts';
import type { RestorePlan, RestorePreflight } from '../../protocol/restore.ts';

/**
 * Holds a plan against what the agent found on the target.
 * @throws FailureError `restore_not_possible` with the reason and the SQL that would change it
 */
export function requirePossible(plan: RestorePlan, preflight: RestorePreflight): void {
  const mode = preflight.modes.find((one) => one.mode === plan.mode);
  if (!mode?.possible) throw impossible(mode?.reason ?? `This engine has no mode “${plan.mode}”.`, mode?.sql);
  const owners = preflight.ownerChoices.find((one) => one.choice === plan.owners);
  if (!owners?.possible) {
    throw impossible(owners?.reason ?? `This engine has no owner choice “${plan.owners}”.`, owners?.sql);
  }
  if (plan.owners === 'map' && plan.mapTo === undefined) {
    throw impossible('The plan maps owners but names no role.', undefined);
  }
  const blocker = preflight.findings.find(({ severity }) => severity === 'blocker');
  if (blocker) throw impossible(blocker.message, blocker.sql, blocker.hint);
}

function impossible(message: string, sql: string | undefined, hint?: string) {
  const failure: Failure = {
    code: 'restore_not_possible',
    message,
    hint: hint ?? 'Look at the preflight of this restore, change what it names or choose differently.',
    retryable: false,
    ...(sql === undefined ? {} : { sql }),
  };
  return new FailureError(failure);
}
