import type { RestoreMode } from '../../protocol/engines/engine.ts';
import { type Failure, FailureError, fail } from '../../protocol/failure.ts';
import type { LocalPolicy } from '../../protocol/messages.ts';
import { globMatches } from '../glob.ts';

/** What somebody wants to do with one database of one server, by the names this agent knows them. */
export type Operation =
  | { kind: 'backup' | 'drill'; server: string; database: string }
  | { kind: 'restore'; server: string; database: string; mode?: RestoreMode };

/** Why the local policy forbids an operation, or `undefined` where it does not. */
export function policyRefusal(policy: LocalPolicy, operation: Operation): Failure | undefined {
  if (operation.kind === 'restore' && policy.restore === 'deny') {
    return denied('restores are denied', 'restore');
  }
  if (operation.kind === 'restore' && replaces(operation.mode) && policy.restore === 'scratch-only') {
    return denied('a restore may create a database, but not replace one', 'restore');
  }
  if (operation.kind === 'drill' && policy.drill === 'deny') return denied('drills are denied', 'drill');
  if (!databaseAllowed(policy, operation)) {
    return denied(
      `“${operation.server}/${operation.database}” is not among the allowed databases`,
      'databases',
    );
  }
  return undefined;
}

/** Whether what is under the target's name is gone from there afterwards. */
function replaces(mode: RestoreMode | undefined): boolean {
  return mode === 'swap' || mode === 'in-place';
}

/** Stops what the local policy forbids. @throws FailureError `policy_denied` */
export function enforcePolicy(policy: LocalPolicy, operation: Operation): void {
  const refusal = policyRefusal(policy, operation);
  if (refusal) throw new FailureError(refusal);
}

/** Whether the patterns of the policy cover a database; they are matched against `server/database` in whole. */
export function databaseAllowed(
  policy: LocalPolicy,
  { server, database }: { server: string; database: string },
): boolean {
  if (!policy.databases) return true;
  const name = `${server}/${database}`;
  return policy.databases.some((pattern) => globMatches(pattern, name));
}

function denied(why: string, key: string): Failure {
  return fail(
    'policy_denied',
    `The agent’s local policy forbids this: ${why}.`,
    `Whoever runs the agent’s host can change “${key}” under [policy] in its configuration file.`,
  ).failure;
}
