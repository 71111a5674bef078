import type { Session } from './connect.ts';

/** One line of SHOW GRANTS. */
export interface Grant {
  /** Upper case, e.g. `SELECT`; `ALL PRIVILEGES` as such. */
  privileges: ReadonlySet<string>;
  /** `null` where it is on `*.*`; else the pattern as granted, wildcards unescaped by nobody. */
  database: string | null;
  /** `null` where it is on the whole database; else a table or routine. */
  object: string | null;
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
  `^GRANT (.+?) ON (?:(?:TABLE|FUNCTION|PROCEDURE|PACKAGE|PACKAGE BODY) )?(\\*|${IDENT})\\.(\\*|${IDENT}) TO `,
  's',
);

/** Takes a line of SHOW GRANTS apart; `undefined` for roles, proxies and revokes. */
export function parseGrant(line: string): Grant | undefined {
  const [, words, database, object] = LINE.exec(line) ?? [];
  if (words === undefined || database === undefined || object === undefined) return undefined;
  // Column privileges — `SELECT (a, b)` — are no right on the table.
  const privileges = words
    .replace(/ ?\([^)]*\)/g, ' (columns)')
    .split(/, ?/) // MySQL writes its newer privileges without blanks
    .map((word) => word.trim().toUpperCase());
  return { privileges: new Set(privileges), database: unquoted(database), object: unquoted(object) };
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
  return grants.some(
    (grant) =>
      grant.object === null &&
      (grant.database === null || matches(grant.database, database)) &&
      (grant.privileges.has(privilege) || grant.privileges.has('ALL PRIVILEGES')),
  );
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
