import type { Session } from './connect.ts';
import type { PostgresGlobals } from './globals.ts';
import { quoteIdent } from './quote.ts';
import { settingClause } from './roles.ts';

/** Name of a setting in the catalogue's form `name=value`. */
export const settingName = (setting: string) => setting.slice(0, setting.indexOf('='));

/** Those of `names` that the account may not set for a database or a role. */
export async function closedSettings(session: Session, names: readonly string[]): Promise<string[]> {
  if (session.superuser || names.length === 0) return [];
  // Since 15 a single setting can be granted.
  const granted = session.major >= 15 ? `AND NOT has_parameter_privilege(s.name, 'SET')` : '';
  const rows = await session.rows<{ wanted: string }>(
    `SELECT DISTINCT wanted FROM unnest($1::text[]) AS wanted JOIN pg_settings s ON lower(s.name) = lower(wanted)
     WHERE s.context IN ('superuser', 'superuser-backend') ${granted} ORDER BY 1`,
    [names],
  );
  return rows.map((row) => row.wanted);
}

/** Those of `roles` whose settings the account may not change. */
export async function closedRoles(session: Session, roles: readonly string[]): Promise<string[]> {
  if (session.superuser || roles.length === 0) return [];
  const open = session.major >= 16 ? `pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')` : 'NOT r.rolsuper';
  const rows = await session.rows<{ wanted: string }>(
    `SELECT wanted FROM unnest($1::text[]) AS wanted LEFT JOIN pg_roles r ON r.rolname = wanted
     WHERE wanted <> current_user AND NOT (
       (SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user) AND (r.oid IS NULL OR ${open})) ORDER BY 1`,
    [roles],
  );
  return rows.map((row) => row.wanted);
}

/** Settings of database `name` as statements: those the account may run, and those it may not. */
export async function settingStatements(
  session: Session,
  name: string,
  input: { globals: PostgresGlobals; role: (name: string) => string | undefined },
): Promise<{ run: string[]; withheld: string[] }> {
  const { database, roles } = input.globals;
  // Settings are a role's own: a stand-in keeps the ones it has.
  const kept = roles.filter(
    (role) => role.databaseSettings.length > 0 && input.role(role.name) === role.name,
  );
  const all = [...database.settings, ...kept.flatMap((role) => role.databaseSettings)];
  const settings = new Set(await closedSettings(session, all.map(settingName)));
  const closed = new Set(
    await closedRoles(
      session,
      kept.map((role) => role.name),
    ),
  );
  const result = { run: [] as string[], withheld: [] as string[] };
  const add = (whose: string, setting: string, open: boolean) =>
    result[open && !settings.has(settingName(setting)) ? 'run' : 'withheld'].push(
      `ALTER ${whose} SET ${settingClause(setting)}`,
    );
  for (const setting of database.settings) add(`DATABASE ${quoteIdent(name)}`, setting, true);
  for (const role of kept) {
    const whose = `ROLE ${quoteIdent(role.name)} IN DATABASE ${quoteIdent(name)}`;
    for (const setting of role.databaseSettings) add(whose, setting, !closed.has(role.name));
  }
  return result;
}
