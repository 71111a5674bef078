import { fail } from '../../../protocol/failure.ts';
import type { Session } from './connect.ts';
import type { PostgresGlobals } from './globals.ts';
import { quoteIdent, quoteLiteral, suffixedName } from './quote.ts';
import type { DatabaseLocale } from './requirements.ts';
import { settingStatements } from './settings.ts';

/** Comment on a database that a restore of ours is still filling: what may be dropped without asking. */
export const SCRATCH_MARK = 'homeport: restore in progress, safe to drop';

/** A name for the database that a restore fills before it gets its real one. */
export function scratchName(target: string, unique: string): string {
  return suffixedName(target, `_homeport_${unique}`);
}

/** The name the present database is kept under: `<name>_before_<yyyymmddhhmmss>`, unlike all of `taken`. */
export function keptName(target: string, at: Date, taken: ReadonlySet<string>): string {
  const stamp = at.toISOString().replace(/\D/g, '').slice(0, 14);
  for (let count = 1; ; count += 1) {
    const name = suffixedName(target, `_before_${stamp}${count === 1 ? '' : `_${count}`}`);
    if (!taken.has(name)) return name;
  }
}

/** Creates an empty database that only its owner may use until {@link applyProperties}. */
export async function createDatabase(
  session: Session,
  input: { name: string; owner: string | undefined; locale: DatabaseLocale; tablespace: string | undefined },
): Promise<void> {
  const { name, owner, locale, tablespace } = input;
  const options = [
    'TEMPLATE template0',
    ...(owner === undefined ? [] : [`OWNER ${quoteIdent(owner)}`]),
    `ENCODING ${quoteLiteral(locale.encoding)}`,
    ...localeOptions(locale, session.major),
    ...(tablespace === undefined ? [] : [`TABLESPACE ${quoteIdent(tablespace)}`]),
  ];
  await session.run(`CREATE DATABASE ${quoteIdent(name)} ${options.join(' ')}`);
  await session.run(`COMMENT ON DATABASE ${quoteIdent(name)} IS ${quoteLiteral(SCRATCH_MARK)}`);
  await session.run(`REVOKE ALL ON DATABASE ${quoteIdent(name)} FROM PUBLIC`);
}

function localeOptions(locale: DatabaseLocale, major: number): string[] {
  const options = [`LC_COLLATE ${quoteLiteral(locale.collate)}`, `LC_CTYPE ${quoteLiteral(locale.ctype)}`];
  // Providers came with 15; before it there was libc alone, and the default is libc still.
  if (locale.provider === 'libc') return major >= 15 ? ['LOCALE_PROVIDER libc', ...options] : options;
  options.push(`LOCALE_PROVIDER ${locale.provider}`);
  const keyword = locale.provider === 'icu' ? 'ICU_LOCALE' : 'BUILTIN_LOCALE';
  if (locale.locale !== null) options.push(`${keyword} ${quoteLiteral(locale.locale)}`);
  if (locale.icuRules !== null) options.push(`ICU_RULES ${quoteLiteral(locale.icuRules)}`);
  return options;
}

type Properties = PostgresGlobals['database'];

/**
 * What `pg_dump -C` would restore of a database besides its content: settings (per role too), limit, comment
 * and privileges. `role` gives the target's name for a role, or `undefined` where it gets nothing.
 * Returns the statements that only a superuser may run, for the report; `finalName` is the database's in them.
 */
export async function applyProperties(
  session: Session,
  name: string,
  input: { globals: PostgresGlobals; finalName: string; role: (name: string) => string | undefined },
): Promise<string[]> {
  const { database } = input.globals;
  const ident = quoteIdent(name);
  const settings = await settingStatements(session, name, input);
  const statements = [
    ...settings.run,
    `ALTER DATABASE ${ident} CONNECTION LIMIT ${database.connectionLimit}`,
    `COMMENT ON DATABASE ${ident} IS ${database.comment === null ? 'NULL' : quoteLiteral(database.comment)}`,
    ...privileges(ident, database, input.role),
  ];
  await session.run(['BEGIN', ...statements, 'COMMIT'].join(';\n'));
  return settings.withheld.map((statement) => statement.replaceAll(ident, quoteIdent(input.finalName)));
}

function privileges(
  ident: string,
  database: Properties,
  role: (name: string) => string | undefined,
): string[] {
  if (database.acl === null) return [`GRANT CONNECT, TEMPORARY ON DATABASE ${ident} TO PUBLIC`];
  const owner = role(database.owner);
  const revoke = owner === undefined ? [] : [`REVOKE ALL ON DATABASE ${ident} FROM ${quoteIdent(owner)}`];
  const grants = database.acl.flatMap((grant) => {
    const target = grant.grantee === null ? 'PUBLIC' : role(grant.grantee);
    if (target === undefined) return [];
    const grantee = grant.grantee === null ? 'PUBLIC' : quoteIdent(target);
    const option = grant.grantable && grant.grantee !== null ? ' WITH GRANT OPTION' : '';
    return [`GRANT ${privilegeWord(grant.privilege)} ON DATABASE ${ident} TO ${grantee}${option}`];
  });
  return [...revoke, ...grants];
}

/** Privileges go into SQL as words; only those that databases have. */
function privilegeWord(privilege: string): string {
  if (['CREATE', 'CONNECT', 'TEMPORARY'].includes(privilege)) return privilege;
  throw fail(
    'manifest_invalid',
    `“${privilege}” is no privilege of a database.`,
    'The snapshot was made by a newer Homeport. Update the agent.',
  );
}

/** Drops a database with its sessions; used for databases that a restore of ours made. */
export async function dropDatabase(session: Session, name: string): Promise<void> {
  await session.run(`DROP DATABASE IF EXISTS ${quoteIdent(name)} WITH (FORCE)`);
}

/** Whether a database is one that a restore or drill of ours made and nobody took over. */
export async function isScratch(session: Session, name: string): Promise<boolean> {
  const [row] = await session.rows<{ comment: string | null }>(
    `SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1`,
    [name],
  );
  return row?.comment === SCRATCH_MARK;
}
