import type { Session } from './connect.ts';
import type { GlobalRole } from './globals.ts';
import { quoteIdent, quoteLiteral } from './quote.ts';

/** Settings whose value is a list of names, which `SET` wants unquoted as a whole (pg_dump knows the same). */
const LIST_SETTINGS = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

/** Names among `wanted` that the server has no role for. */
export async function missingRoles(session: Session, wanted: readonly string[]): Promise<string[]> {
  const rows = await session.rows<{ name: string }>(
    'SELECT name FROM unnest($1::text[]) AS name WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) ORDER BY 1',
    [wanted],
  );
  return rows.map((row) => row.name);
}

/** What {@link createRoles} did. */
export interface CreatedRoles {
  names: string[];
  /** Sentences for the report. */
  notes: string[];
}

/**
 * Creates those of `roles` that are missing, all or none, with memberships and settings. SUPERUSER is never
 * given, nor membership in a role that has it: a backup must not be able to make one. Other attributes only as far as the account may give them.
 */
export async function createRoles(session: Session, roles: readonly GlobalRole[]): Promise<CreatedRoles> {
  const missing = new Set(
    await missingRoles(
      session,
      roles.map((role) => role.name),
    ),
  );
  const create = roles.filter((role) => missing.has(role.name));
  if (create.length === 0) return { names: [], notes: [] };
  const statements = create.flatMap((role) => [
    createStatement(role, session.superuser),
    ...role.settings.map((setting) => `ALTER ROLE ${quoteIdent(role.name)} SET ${settingClause(setting)}`),
    ...(role.comment === null
      ? []
      : [`COMMENT ON ROLE ${quoteIdent(role.name)} IS ${quoteLiteral(role.comment)}`]),
  ]);
  const powerful = new Set(await powerfulRoles(session));
  for (const role of create) statements.push(...memberships(role, powerful));
  if (!session.superuser) {
    // Whoever is no superuser must be a member of a role to give it something.
    for (const role of create)
      statements.push(`GRANT ${quoteIdent(role.name)} TO ${quoteIdent(session.user)}`);
  }
  await session.run(['BEGIN', ...statements, 'COMMIT'].join(';\n'));
  return {
    names: create.map((role) => role.name),
    notes: [...notesOn(create, session), ...withheld(create, powerful)],
  };
}

/** Roles of the target that are as good as a superuser: whoever is a member can become one. */
async function powerfulRoles(session: Session): Promise<string[]> {
  const rows = await session.rows<{ name: string }>(
    `SELECT r.rolname AS name FROM pg_roles r WHERE EXISTS (SELECT 1 FROM pg_roles p
       WHERE (p.rolsuper OR p.rolname IN ('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files'))
         AND (p.oid = r.oid OR (NOT r.rolsuper AND pg_has_role(r.oid, p.oid, 'MEMBER'))))`,
  );
  return rows.map((row) => row.name);
}

function withheld(roles: readonly GlobalRole[], powerful: ReadonlySet<string>): string[] {
  const lost = roles.flatMap((role) =>
    role.memberOf
      .filter((parent) => powerful.has(parent.role))
      .map((parent) => `“${role.name}” of “${parent.role}”`),
  );
  if (lost.length === 0) return [];
  return [`Not made a member, because that is as good as superuser here: ${lost.join(', ')}.`];
}

function createStatement(role: GlobalRole, superuser: boolean): string {
  const elevated = superuser
    ? [
        role.replication ? 'REPLICATION' : '',
        role.bypassRls ? 'BYPASSRLS' : '',
        role.createDatabase ? 'CREATEDB' : '',
        role.createRole ? 'CREATEROLE' : '',
        role.password === null ? '' : `PASSWORD ${quoteLiteral(role.password)}`,
      ]
    : [];
  const options = [
    role.login ? 'LOGIN' : 'NOLOGIN',
    role.inherit ? 'INHERIT' : 'NOINHERIT',
    ...elevated.filter(Boolean),
    role.connectionLimit === -1 ? '' : `CONNECTION LIMIT ${role.connectionLimit}`,
    role.validUntil === null ? '' : `VALID UNTIL ${quoteLiteral(role.validUntil)}`,
  ];
  return `CREATE ROLE ${quoteIdent(role.name)} ${options.filter(Boolean).join(' ')}`;
}

function memberships(role: GlobalRole, powerful: ReadonlySet<string>): string[] {
  return role.memberOf
    .filter((parent) => !powerful.has(parent.role))
    .map(
      (parent) =>
        `GRANT ${quoteIdent(parent.role)} TO ${quoteIdent(role.name)}${parent.admin ? ' WITH ADMIN OPTION' : ''}`,
    );
}

function notesOn(roles: readonly GlobalRole[], session: Session): string[] {
  const names = (which: (role: GlobalRole) => boolean) =>
    roles
      .filter(which)
      .map((role) => `“${role.name}”`)
      .join(', ');
  const elevated = (role: GlobalRole) =>
    role.createDatabase || role.createRole || role.replication || role.bypassRls;
  const supers = names((role) => role.superuser);
  const lessened = session.superuser ? '' : names(elevated);
  const silent = names((role) => role.login && (role.password === null || !session.superuser));
  return [
    `Created the roles ${names(() => true)}.`,
    ...(supers ? [`Not made superuser, although the backup says so: ${supers}.`] : []),
    ...(lessened
      ? [`Created without their special attributes, which “${session.user}” may not give: ${lessened}.`]
      : []),
    ...(silent ? [`Without a password: ${silent}. Set one with ALTER ROLE … PASSWORD.`] : []),
    ...(session.superuser
      ? []
      : [`“${session.user}” was made a member of them, which it takes to give them things.`]),
  ];
}

/** Removes roles made for a restore that failed; gives a sentence where they had to stay. */
export async function removeRoles(session: Session, names: readonly string[]): Promise<string | undefined> {
  if (names.length === 0) return undefined;
  try {
    await session.run(`DROP ROLE ${names.map(quoteIdent).join(', ')}`);
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `The roles ${names.map((name) => `“${name}”`).join(', ')} were created for this restore and remain: ${why}`;
  }
}

/** `name=value`, as the catalogue keeps a setting, in the form `SET` takes. */
export function settingClause(setting: string): string {
  const split = setting.indexOf('=');
  const name = setting.slice(0, split);
  const value = setting.slice(split + 1);
  const quotedName = name.split('.').map(quoteIdent).join('.');
  // A list is kept the way it was typed: each name is quoted already where it needs to be.
  if (LIST_SETTINGS.has(name.toLowerCase())) return `${quotedName} TO ${listClause(value)}`;
  return `${quotedName} TO ${quoteLiteral(value)}`;
}

function listClause(value: string): string {
  const names = value.match(/"(?:[^"]|"")*"|[^,\s]+/g) ?? [];
  const literal = (name: string) =>
    quoteLiteral(name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name);
  return names.length === 0 ? `''` : names.map(literal).join(', ');
}
