import type { RestorePreflight } from '../../../protocol/restore.ts';
import { holds } from './grants.ts';
import { listed, MAX_NAME } from './quote.ts';
import type { MysqlRequirements, ObjectKind } from './requirements.ts';
import { binaryLogObstacle, grantOn, kindsOf, missingPrivileges } from './restore-rights.ts';
import type { TargetFacts } from './target.ts';

type Verdict = RestorePreflight['modes'][number];
type Reasoned = Omit<Verdict, 'mode'>;

/** Databases of the server's own. */
const SYSTEM = new Set(['mysql', 'information_schema', 'performance_schema', 'sys']);

/** Which restore modes are possible for `target`, and why not. */
export function modeVerdicts(target: string, needs: MysqlRequirements, facts: TargetFacts): Verdict[] {
  const either = impossibleName(target);
  return [
    { mode: 'new', ...(either ?? newVerdict(target, needs, facts)) },
    { mode: 'in-place', ...(either ?? inPlaceVerdict(target, needs, facts)) },
  ];
}

const no = (reason: string, sql?: string): Reasoned => ({ possible: false, reason, ...(sql ? { sql } : {}) });

function impossibleName(target: string): Reasoned | undefined {
  if ([...target].length > MAX_NAME)
    return no(`The name has ${[...target].length} characters; ${MAX_NAME} are possible.`);
  if (target.endsWith(' ')) return no('A database’s name cannot end with a space.');
  if (SYSTEM.has(target.toLowerCase())) return no(`“${target}” belongs to the server itself.`);
  return undefined;
}

function rights(target: string, kinds: readonly ObjectKind[], facts: TargetFacts): Reasoned | undefined {
  const missing = missingPrivileges(kinds, target, facts);
  if (missing.length === 0) return undefined;
  return no(
    `“${facts.account}” lacks ${missing.join(', ')} on “${target}”.`,
    grantOn(missing, target, facts),
  );
}

function newVerdict(target: string, needs: MysqlRequirements, facts: TargetFacts): Reasoned {
  if (facts.database) return no(`A database named “${target}” exists.`);
  return (
    rights(target, kindsOf(needs), facts) ??
    binaryLogObstacle(needs, facts) ?? {
      possible: true,
      reason: `Creates “${target}”. Nothing that exists is touched.`,
    }
  );
}

function inPlaceVerdict(target: string, needs: MysqlRequirements, facts: TargetFacts): Reasoned {
  const { database } = facts;
  if (!database) return no(`There is no database “${target}” to fill.`);
  if (database.unfinished) {
    return no(`“${target}” was left unfinished by another restore, or is being filled by it. Drop it first.`);
  }
  const present = [...database.catalogue.relations, ...database.catalogue.programs].map(({ kind }) => kind);
  return (
    rights(target, [...new Set([...kindsOf(needs), ...present])], facts) ??
    locks(target, facts) ??
    binaryLogObstacle(needs, facts) ?? {
      possible: true,
      reason: `Drops what is in “${target}” and makes it again from the snapshot; the database and grants on it stay. A failure half-way leaves it incomplete.`,
    }
  );
}

/** All tables are locked before the first is dropped: so one in use is met while nothing has changed. */
function locks(target: string, facts: TargetFacts): Reasoned | undefined {
  const missing = ['LOCK TABLES', 'SELECT'].filter((privilege) => !holds(facts.grants, privilege, target));
  if (missing.length === 0) return undefined;
  return no(`“${facts.account}” lacks ${listed(missing)} on “${target}”.`, grantOn(missing, target, facts));
}
