import type { Context } from 'hono';
import { fail } from '../../protocol/failure.ts';
import type { AuditEntry } from '../audit.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import type { AppDeps } from '../deps.ts';

/** Writes into the audit log what the caller of this request did. */
export function auditAct(
  deps: Pick<AppDeps, 'audit'>,
  c: Context<PrincipalEnv>,
  entry: Pick<AuditEntry, 'action' | 'target' | 'details'>,
): void {
  deps.audit({ ...entry, actor: c.get('principal').actor, from: c.get('from') });
}

/** What was found, or the refusal that nothing was. @throws FailureError `not_found` */
export function found<T>(thing: T | undefined, what: string): T {
  if (thing === undefined) {
    throw fail(
      'not_found',
      `There is no such ${what}.`,
      'It may have been removed, or be of another control plane.',
    );
  }
  return thing;
}

/** Destructive acts ask for the target's name typed out. @throws FailureError `invalid_input` */
export function requireConfirmation(typed: string, name: string): void {
  if (typed === name) return;
  throw fail('invalid_input', `confirm: does not match “${name}”.`, 'Type the name exactly as it is shown.');
}
