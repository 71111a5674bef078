import type { FailureError } from '../../../protocol/failure.ts';
import type { Finding } from '../../../protocol/restore.ts';
import { listed, pasteable } from '../words.ts';
import type { InPlaceFacts } from './in-place-facts.ts';
import { spelled } from './in-place-notes.ts';
import { no, type Reasoned } from './mode-verdicts.ts';
import { connectGrant, superuserGrant } from './privileges.ts';
import { quoteIdent, quoteLiteral } from './quote.ts';
import type { PostgresRequirements } from './requirements.ts';
import type { TargetFacts } from './target.ts';
import { type PostgresTool, toolLabel } from './tools.ts';

interface Case {
  target: string;
  facts: TargetFacts;
  /** `undefined` where the target is no database that can be entered. */
  inside: InPlaceFacts | { closed: FailureError } | undefined;
  needs: PostgresRequirements;
  tool: PostgresTool | undefined;
}

/** Whether what is in `target` can be replaced, and what the account lacks for it. */
export function inPlaceVerdict(input: Case): Reasoned {
  const { target, facts, inside } = input;
  if (!facts.database) return no(`There is no database “${target}” to fill.`);
  if (!inside) return no(`“${target}” is a template, or takes no connections.`);
  if ('closed' in inside) {
    const { code, message } = inside.closed.failure;
    return no(message, code === 'privilege_missing' ? connectGrant(target, facts.user) : undefined);
  }
  return (
    tooNew(input) ??
    surroundings(input, inside) ??
    rights(input, inside) ?? {
      possible: true,
      reason: `Replaces what “${target}” holds, in one transaction: a failure leaves all of it as it was. Nobody can use what is replaced until it is done.`,
    }
  );
}

/** See NEWER_SETTINGS of the loading: in a transaction no statement may fail. */
function tooNew({ facts, tool, needs }: Case): Reasoned | undefined {
  if (!tool || tool.major < 17 || facts.major >= 17) return undefined;
  const remedy =
    needs.dumpMajor < 17
      ? `Install postgresql-client-${Math.max(needs.dumpMajor, facts.major)} on the agent’s host.`
      : 'The snapshot was made by a pg_dump as new, which no older pg_restore reads: restore into a new database.';
  return no(
    `${toolLabel(tool)} begins with a setting that PostgreSQL ${facts.major} does not know, which cannot be passed over within a transaction. ${remedy}`,
  );
}

function surroundings({ needs }: Case, inside: InPlaceFacts): Reasoned | undefined {
  if (inside.subscriptions.length > 0) {
    return no(
      `Its tables are fed by the subscription ${listed(inside.subscriptions)}; end it first, and subscribe again afterwards.`,
      pasteable(
        inside.subscriptions.map(
          (name) => `ALTER SUBSCRIPTION ${quoteIdent(name)} DISABLE;\nDROP SUBSCRIPTION ${quoteIdent(name)};`,
        ),
      ),
    );
  }
  if (inside.tangled.length > 0) {
    return no(
      `${listed(inside.kept.map(dotted))} would stay as they are, since the snapshot has no rows of theirs; but they are made of ${listed(inside.tangled)}, which would be replaced. Restore into a new database, or swap.`,
    );
  }
  const moved = needs.extensions.filter((one) =>
    inside.extensions.some((here) => here.name === one.name && here.schema !== one.schema),
  );
  if (moved.length === 0) return undefined;
  return no(
    `The extension ${listed(moved.map((one) => one.name))} is in another schema here than in the snapshot.`,
    pasteable(
      moved.map((one) => `ALTER EXTENSION ${quoteIdent(one.name)} SET SCHEMA ${quoteIdent(one.schema)};`),
    ),
  );
}

/** All that is missing at once, so that one paste does. */
function rights({ target, facts, needs }: Case, inside: InPlaceFacts): Reasoned | undefined {
  if (facts.superuser) return undefined;
  const user = quoteIdent(facts.user);
  const lacks: string[] = [];
  const { foreign, foreignLargeObjects } = inside;
  // Membership in a superuser’s role would be as good as being one.
  const owners = [...foreign, ...foreignLargeObjects].filter((one) => !one.ownerIsSuperuser);
  const roles = [...new Set(owners.map((one) => one.owner))].sort();
  const joined = (names: readonly string[]) => names.some((name) => roles.includes(name));
  const sql = roles.map((role) => `GRANT ${quoteIdent(role)} TO ${user};`);
  if (foreign.length > 0) lacks.push(`it does not own ${listed(foreign.map((one) => one.name))}`);
  if (foreign.some((one) => one.what === null)) sql.push(superuserGrant(facts.user));
  else for (const one of foreign) if (one.ownerIsSuperuser) sql.push(`ALTER ${one.what} OWNER TO ${user};`);
  if (foreignLargeObjects.length > 0) {
    lacks.push(
      `it does not own ${foreignLargeObjects.reduce((sum, one) => sum + one.count, 0)} large objects`,
    );
    if (foreignLargeObjects.some((one) => one.ownerIsSuperuser)) sql.push(largeObjectOwner(facts.user));
  }
  const here = new Set(inside.schemas.map((one) => one.name));
  const makes = needs.schemas.some((name) => !here.has(name));
  const installs = needs.extensions.some((one) => !inside.extensions.some(({ name }) => name === one.name));
  if ((makes || installs) && !inside.createsInDatabase && !joined(inside.creators)) {
    lacks.push('it may not create schemas and extensions');
    sql.push(`GRANT CREATE ON DATABASE ${quoteIdent(target)} TO ${user};`);
  }
  const closed = inside.schemas.filter(
    (one) => needs.schemas.includes(one.name) && !one.creates && !joined(one.creators),
  );
  if (closed.length > 0) {
    lacks.push(`it may not create anything in the schema ${listed(closed.map((one) => one.name))}`);
    sql.push(...closed.map((one) => `GRANT USAGE, CREATE ON SCHEMA ${quoteIdent(one.name)} TO ${user};`));
  }
  if (sql.length === 0) return undefined;
  return no(
    `“${facts.user}” cannot replace what is there: ${lacks.join('; ')}. Run this in “${target}”, as a superuser or as the owner.`,
    pasteable(sql),
  );
}

function largeObjectOwner(user: string): string {
  return `DO $homeport$ DECLARE object oid; BEGIN
  FOR object IN SELECT oid FROM pg_catalog.pg_largeobject_metadata LOOP
    EXECUTE pg_catalog.format('ALTER LARGE OBJECT %s OWNER TO %I', object, ${quoteLiteral(user)});
  END LOOP;
END $homeport$;`;
}

const dotted = (one: { schema: string; name: string }) => `${one.schema}.${one.name}`;

/** What to know before what is in a database is replaced. */
export function inPlaceFindings(needs: PostgresRequirements, inside: InPlaceFacts): Finding[] {
  const findings: Finding[] = [];
  const modes: Finding['modes'] = ['in-place'];
  if (inside.drops.count > 0) {
    const what = inside.compared
      ? 'Will be dropped, and the snapshot does not hold it'
      : 'Will be dropped, whether the snapshot holds it or not';
    findings.push({
      severity: 'warning',
      code: 'in_place_drops',
      message: `${what}: ${spelled(inside.drops)}.`,
      hint: 'A safety snapshot taken first keeps it; swap and new database leave it alone.',
      modes,
    });
  }
  if (inside.kept.length > 0) {
    findings.push({
      severity: 'warning',
      code: 'in_place_kept',
      message: `Stay as they are, with their rows, since the snapshot has none of theirs: ${listed(inside.kept.map(dotted))}.`,
      hint: 'What they are made of (types, functions of triggers, sequences) stays as well.',
      modes,
    });
  }
  const dangling = inside.kept.length > 0;
  if (inside.largeObjects > 0 && (dangling || !needs.hasLargeObjects)) {
    findings.push({
      severity: 'warning',
      code: 'in_place_large_objects',
      message: `${inside.largeObjects} large objects will be dropped${needs.hasLargeObjects ? ', and those of the snapshot come back' : '; the snapshot has none'}.`,
      ...(dangling ? { hint: 'Rows that stay as they are may refer to some that do not come back.' } : {}),
      modes,
    });
  }
  if (inside.encoding !== needs.locale.encoding) {
    findings.push({
      severity: 'warning',
      code: 'encoding_differs',
      message: `The snapshot is in ${needs.locale.encoding}, this database in ${inside.encoding}. A character it does not have makes the restore fail; then nothing is changed.`,
      modes,
    });
  }
  return findings;
}
