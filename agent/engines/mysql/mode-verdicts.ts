import type { RestorePreflight } from '../../../protocol/restore.ts';
import { listed } from '../words.ts';
import type { Catalogue } from './catalogue.ts';
import { grantOn, holds } from './grants.ts';
import { MAX_NAME } from './quote.ts';
import type { MysqlRequirements } from './requirements.ts';
import {
  binaryLogObstacle,
  grantAccounts,
  grantGlobal,
  guardedAccounts,
  kindsOf,
  missingPrivileges,
} from './restore-rights.ts';
import type { TargetFacts } from './target.ts';

type Verdict = RestorePreflight['modes'][number];
type Reasoned = Omit<Verdict, 'mode'>;

/** Databases of the server's own. */
const SYSTEM = new Set(['mysql', 'information_schema', 'performance_schema', 'sys']);

/** Which restore modes are possible for the database looked at, and why not. */
export function modeVerdicts(needs: MysqlRequirements, facts: TargetFacts): Verdict[] {
  const target = facts.name;
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

/** All that is in the way, at once. */
function verdict(obstacles: readonly (Reasoned | undefined)[], otherwise: string): Reasoned {
  const met = obstacles.filter((one) => one !== undefined);
  if (met.length === 0) return { possible: true, reason: otherwise };
  return no(
    met.map(({ reason }) => reason).join(' '),
    met.flatMap(({ sql }) => (sql === undefined ? [] : [sql])).join('\n'),
  );
}

function rights(target: string, missing: readonly string[], facts: TargetFacts): Reasoned | undefined {
  if (missing.length === 0) return undefined;
  return no(
    `“${facts.account}” lacks ${missing.join(', ')} on “${target}”.`,
    grantOn(missing, target, facts),
  );
}

function newVerdict(target: string, needs: MysqlRequirements, facts: TargetFacts): Reasoned {
  if (facts.database) return no(`A database named “${target}” exists.`);
  const missing = missingPrivileges(kindsOf(needs), target, facts);
  return verdict(
    [rights(target, missing, facts), binaryLogObstacle(needs, facts)],
    `Creates “${target}”. Nothing that exists is touched.`,
  );
}

function inPlaceVerdict(target: string, needs: MysqlRequirements, facts: TargetFacts): Reasoned {
  const { database } = facts;
  if (!database) return no(`There is no database “${target}” to fill.`);
  if (database.unfinished) {
    return no(`“${target}” was left unfinished by another restore, or is being filled by it. Drop it first.`);
  }
  const present = [...database.catalogue.relations, ...database.catalogue.programs].map(({ kind }) => kind);
  const kinds = [...new Set([...kindsOf(needs), ...present])];
  // All tables are locked before the first is dropped: so one in use is met while nothing has changed.
  const locks = ['LOCK TABLES', 'SELECT'].filter((privilege) => !holds(facts.grants, privilege, target));
  const missing = [...new Set([...missingPrivileges(kinds, target, facts), ...locks])];
  return verdict(
    [
      rights(target, missing, facts),
      guardedObjects(database.catalogue, needs, facts),
      binaryLogObstacle(needs, facts),
    ],
    `Drops what is in “${target}” and makes it again from the snapshot; the database and grants on it stay. A failure half-way leaves it incomplete.`,
  );
}

/** What is there and may not be dropped, since it runs as an account with SYSTEM_USER. Triggers go with their table. */
function guardedObjects(
  { programs, views }: Catalogue,
  needs: MysqlRequirements,
  facts: TargetFacts,
): Reasoned | undefined {
  const alone = programs.filter(({ kind }) => kind !== 'trigger' || needs.excludedTables.length > 0);
  const guarded = guardedAccounts(
    [...views, ...alone].map(({ definer }) => definer),
    facts,
  );
  if (guarded === undefined) {
    return no(
      `“${facts.account}” may not read which accounts hold SYSTEM_USER: it cannot tell whether it may drop what runs as others.`,
      grantAccounts(facts),
    );
  }
  if (guarded.length === 0) return undefined;
  return no(
    `What runs as ${listed(guarded)} is dropped only by who holds SYSTEM_USER too.`,
    grantGlobal('SYSTEM_USER', facts),
  );
}
