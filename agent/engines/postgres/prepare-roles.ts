import { fail } from '../../../protocol/failure.ts';
import type { RestorePlan } from '../../../protocol/restore.ts';
import type { Session } from './connect.ts';
import type { PostgresGlobals } from './globals.ts';
import { createRoles, missingRoles } from './roles.ts';

/** Who takes the place of the snapshot's roles. */
export interface Roles {
  /** Name on the target for a role of the snapshot; `undefined` where it is left out. */
  target: (name: string) => string | undefined;
  created: string[];
  notes: string[];
}

/** Finds, or makes, the roles that own what is restored. */
export async function prepareRoles(
  session: Session,
  input: { plan: RestorePlan; globals: PostgresGlobals },
): Promise<Roles> {
  const { plan, globals } = input;
  if (plan.owners === 'none') {
    return { target: () => undefined, created: [], notes: ['Owners and grants were left out.'] };
  }
  if (plan.owners === 'create-roles') {
    const made = await createRoles(session, globals.roles);
    return { target: (name) => name, created: made.names, notes: made.notes };
  }
  const names = globals.roles.map((role) => role.name);
  const missing = new Set(await missingRoles(session, names));
  if (plan.owners === 'keep' || missing.size === 0) return { target: (name) => name, created: [], notes: [] };
  const mapTo = plan.mapTo ?? session.user;
  if ((await missingRoles(session, [mapTo])).length > 0) {
    throw fail(
      'invalid_input',
      `The server has no role “${mapTo}” to map owners to.`,
      'Choose a role that exists there.',
    );
  }
  const target = (name: string) => (missing.has(name) ? mapTo : name);
  return {
    target,
    created: [],
    notes: [
      `“${mapTo}” stands in for the missing roles ${[...missing].map((name) => `“${name}”`).join(', ')}.`,
    ],
  };
}
