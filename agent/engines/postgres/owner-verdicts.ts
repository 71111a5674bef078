import type { RestorePreflight } from '../../../protocol/restore.ts';
import { listed, pasteable } from '../words.ts';
import { superuserGrant } from './privileges.ts';
import { quoteIdent } from './quote.ts';
import type { PostgresRequirements } from './requirements.ts';
import type { TargetFacts } from './target.ts';

type Verdict = RestorePreflight['ownerChoices'][number];
type Reasoned = Omit<Verdict, 'choice'>;

const no = (reason: string, sql?: string): Reasoned => ({
  possible: false,
  reason,
  ...(sql ? { sql } : {}),
});
const yes = (reason: string): Reasoned => ({ possible: true, reason });

/** Which owner choices are possible, and why not. */
export function ownerVerdicts(needs: PostgresRequirements, facts: TargetFacts): Verdict[] {
  return [
    { choice: 'keep', ...keep(needs, facts) },
    { choice: 'create-roles', ...create(needs, facts) },
    { choice: 'map', ...map(needs, facts) },
    { choice: 'none', ...none(needs, facts) },
  ];
}

const owners = (needs: PostgresRequirements) =>
  needs.roles.filter((role) => role.owns).map((role) => role.name);
/** Roles every database has by itself; nobody can be made a member of `pg_database_owner`. */
const builtIn = (name: string) => name.startsWith('pg_');

/** Giving something to a role takes membership in it, and the right to create in the schema it is in. */
function giving(
  names: readonly string[],
  needs: PostgresRequirements,
  facts: TargetFacts,
): Reasoned | undefined {
  return membership(names, facts) ?? hosting(names, needs, facts);
}

function hosting(
  names: readonly string[],
  needs: PostgresRequirements,
  facts: TargetFacts,
): Reasoned | undefined {
  const guest = needs.guests.find(({ role }) => names.includes(role));
  if (facts.superuser || !guest) return undefined;
  return no(
    `“${guest.role}” owns something in the schema “${guest.schema}”, which belongs to another role; only a superuser can restore that.`,
    superuserGrant(facts.user),
  );
}

function membership(names: readonly string[], facts: TargetFacts): Reasoned | undefined {
  const foreign = names.filter((name) => facts.foreignRoles.includes(name) && !builtIn(name));
  if (facts.superuser || foreign.length === 0) return undefined;
  const user = quoteIdent(facts.user);
  return no(
    `“${facts.user}” is no member of ${listed(foreign)}, and so cannot give them what they owned.`,
    pasteable(foreign.map((name) => `GRANT ${quoteIdent(name)} TO ${user};`)),
  );
}

function keep(needs: PostgresRequirements, facts: TargetFacts): Reasoned {
  if (facts.missingRoles.length > 0) {
    const sql = pasteable(facts.missingRoles.map((name) => `CREATE ROLE ${quoteIdent(name)};`));
    return no(`The server has no role ${listed(facts.missingRoles)}.`, sql);
  }
  return giving(owners(needs), needs, facts) ?? yes('Every role exists here.');
}

function create(needs: PostgresRequirements, facts: TargetFacts): Reasoned {
  if (facts.missingRoles.length === 0)
    return giving(owners(needs), needs, facts) ?? yes('Every role exists here already.');
  const builtInMissing = facts.missingRoles.filter(builtIn);
  if (builtInMissing.length > 0)
    return no(`${listed(builtInMissing)} come with newer PostgreSQL versions only.`);
  if (!facts.createRole) {
    return no(`“${facts.user}” may not create roles.`, `ALTER ROLE ${quoteIdent(facts.user)} CREATEROLE;`);
  }
  return giving(owners(needs), needs, facts) ?? yes(`Creates ${listed(facts.missingRoles)} first.`);
}

function map(needs: PostgresRequirements, facts: TargetFacts): Reasoned {
  const present = owners(needs).filter((name) => !facts.missingRoles.includes(name));
  const stands =
    facts.missingRoles.length === 0
      ? 'No role is missing.'
      : `A role of your choice stands in for ${listed(facts.missingRoles)}.`;
  return giving(present, needs, facts) ?? yes(stands);
}

function none(needs: PostgresRequirements, facts: TargetFacts): Reasoned {
  const named = needs.namedRoles.filter((name) => facts.missingRoles.includes(name));
  if (named.length > 0) {
    return no(
      `Policies or user mappings name ${listed(named)}, which this server does not have.`,
      pasteable(named.map((name) => `CREATE ROLE ${quoteIdent(name)};`)),
    );
  }
  return yes(`Everything will belong to “${facts.user}”; grants are left out.`);
}
