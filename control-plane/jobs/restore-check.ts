import type { EngineDescriptor } from '../../protocol/engines/engine.ts';
import { type Failure, FailureError, fail } from '../../protocol/failure.ts';
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
  const blocker = preflight.findings.find(
    ({ modes, severity }) => severity === 'blocker' && (!modes || modes.includes(plan.mode)),
  );
  if (blocker) throw impossible(blocker.message, blocker.sql, blocker.hint);
}

/**
 * Holds a restore against what its engine knows at all, before anybody is asked.
 * @throws FailureError `invalid_input`
 */
export function requireSense(
  { plan, safetySnapshot }: { plan: RestorePlan; safetySnapshot?: boolean | undefined },
  engine: EngineDescriptor,
): void {
  const unknown = plan.switches?.find((one) => !engine.restoreSwitches.some(({ id }) => id === one));
  if (unknown) throw senseless('plan.switches', `${engine.label} has no switch “${unknown}”.`);
  if (plan.owners === 'map' && plan.mapTo === undefined) {
    throw senseless('plan.mapTo', `is needed with “map”: ${engine.ownership.mapHelp}`);
  }
  if (safetySnapshot && plan.mode !== 'in-place') {
    throw senseless('safetySnapshot', `is for restores in place; “${plan.mode}” loses nothing.`);
  }
}

function senseless(field: string, why: string) {
  return fail('invalid_input', `${field}: ${why}`, `Correct ${field} and send it again.`);
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
