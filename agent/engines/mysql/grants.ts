import type { Session } from './connect.ts';
import { grantDatabase, parseAccount, quoteAccount, quoteIdent } from './quote.ts';

/** One line of SHOW GRANTS. */
export interface Grant {
  /** Upper case, e.g. `SELECT`; `ALL PRIVILEGES` as such. */
  privileges: ReadonlySet<string>;
  /** `null` where it is on `*.*`; else the pattern as granted, wildcards unescaped by nobody. */
  database: string | null;
  /** `null` where it is on the whole database; else a table or routine. */
  object: string | null;
  /** Who holds it, as the server writes it: the account, or a role of its. */
  grantee: string;
}

/**
 * What the account holds, roles that are active in the session included (SHOW GRANTS names them all; the rights of
 * default roles are listed by asking for each).
 */
export async function readGrants(session: Session): Promise<Grant[]> {
  const show = async (sql: string) =>
    (await session.rows<Record<string, string>>(sql)).map((row) => Object.values(row)[0] ?? '');
  const lines = await show('SHOW GRANTS');
  return lines.map(parseGrant).filter((grant) => grant !== undefined);
}

const IDENT = '`(?:[^`]|``)*`';
const LINE = new RegExp(
  `^GRANT (.+?) ON (?:(?:TABLE|FUNCTION|PROCEDURE|PACKAGE|PACKAGE BODY) )?(\\*|${IDENT})\\.(\\*|${IDENT}) TO (.+?)(?= (?:IDENTIFIED|REQUIRE|WITH) |$)`,
  's',
);

/** Takes a line of SHOW GRANTS apart; `undefined` for roles, proxies and revokes. */
export function parseGrant(line: string): Grant | undefined {
  const [, words, database, object, grantee = ''] = LINE.exec(line) ?? [];
  if (words === undefined || database === undefined || object === undefined) return undefined;
  // Column privileges — `SELECT (a, b)` — are no right on the table.
  const privileges = words
    .replace(/ ?\([^)]*\)/g, ' (columns)')
    .split(/, ?/) // MySQL writes its newer privileges without blanks
    .map((word) => word.trim().toUpperCase());
  return { privileges: new Set(privileges), database: unquoted(database), object: unquoted(object), grantee };
}

function unquoted(text: string): string | null {
  return text === '*' ? null : text.slice(1, -1).replaceAll('``', '`');
}

/** Privileges on the whole server. */
export function heldGlobally(grants: readonly Grant[]): ReadonlySet<string> {
  return new Set(grants.filter((grant) => grant.database === null).flatMap((grant) => [...grant.privileges]));
}

/** Whether a privilege is held on all of a database, from the whole server or from the database itself. */
export function holds(grants: readonly Grant[], privilege: string, database: string): boolean {
  return [...grants.filter((grant) => grant.database === null), ...inForce(grants, database)].some(
    (grant) =>
      grant.object === null && (grant.privileges.has(privilege) || grant.privileges.has('ALL PRIVILEGES')),
  );
}

/**
 * Grants on the whole of a database that count there. Of several patterns that match its name the server takes the
 * one that says most before its first wildcard, and that one alone.
 */
function inForce(grants: readonly Grant[], database: string): Grant[] {
  const best = new Map<string, Grant>();
  for (const grant of grants) {
    const pattern = grant.object === null ? grant.database : null;
    if (pattern === null || !matches(pattern, database)) continue;
    const other = best.get(grant.grantee)?.database;
    if (typeof other !== 'string' || firstWildcard(pattern) > firstWildcard(other))
      best.set(grant.grantee, grant);
  }
  return [...best.values()];
}

function firstWildcard(pattern: string): number {
  const at = /^(?:\\[\s\S]|[^\\%_])*/.exec(pattern)?.[0].length ?? 0;
  return at === pattern.length ? Number.POSITIVE_INFINITY : at;
}

/**
 * The GRANT to paste for privileges on one database. It names that database alone, and would put out of force what
 * the account holds there by a pattern, as `my_shop` is one: so it names that as well.
 */
export function grantOn(
  privileges: readonly string[],
  database: string,
  { account, grants }: { account: string; grants: readonly Grant[] },
): string {
  const { user, host } = parseAccount(account);
  const name = `${quoteIdent(user)}@${quoteIdent(host)}`;
  const own = grants.filter(({ grantee }) => grantee === name);
  const carried = inForce(own, database).flatMap((grant) => [...grant.privileges]);
  const all = [...new Set([...privileges, ...carried])].filter(
    (one) => !/^(?:USAGE|.* \(columns\))$/.test(one),
  );
  return `GRANT ${all.join(', ')} ON ${grantDatabase(database)}.* TO ${quoteAccount(account)};`;
}

/** A database in a grant is a pattern: `_` and `%` are wildcards unless a backslash stands before them. */
function matches(pattern: string, database: string): boolean {
  const source = pattern.replace(/\\([_%\\])|([_%])|[^_%]/gs, (text, escaped?: string, wild?: string) =>
    wild ? (wild === '_' ? '.' : '.*') : RegExp.escape(escaped ?? text),
  );
  return new RegExp(`^${source}$`, 'su').test(database);
}

/** Kinds of objects of which the server shows the account only some, or none; it cannot know what it misses. */
export function hidden(
  grants: readonly Grant[],
  session: Pick<Session, 'flavour'>,
  database: string,
): ('table' | 'routine' | 'trigger')[] {
  return [
    ...(holds(grants, 'SELECT', database) ? [] : (['table'] as const)),
    ...(seesRoutines(grants, session, database) ? [] : (['routine'] as const)),
    ...(holds(grants, 'TRIGGER', database) ? [] : (['trigger'] as const)),
  ];
}

function seesRoutines(grants: readonly Grant[], session: Pick<Session, 'flavour'>, database: string) {
  const held = heldGlobally(grants);
  if (held.has('SELECT') || held.has('ALL PRIVILEGES')) return true;
  if (session.flavour === 'mysql') return held.has('SHOW_ROUTINE');
  // MariaDB: the table of routines itself, or since 11.3 a privilege of its own.
  return (
    holds(grants, 'SELECT', 'mysql') ||
    holds(grants, 'SHOW CREATE ROUTINE', database) ||
    grants.some((one) => one.database === 'mysql' && one.object === 'proc' && one.privileges.has('SELECT'))
  );
}
