import type { Session } from './connect.ts';
import { SCRATCH_MARK } from './database.ts';
import type { DatabaseLocale, PostgresRequirements } from './requirements.ts';
import { missingRoles } from './roles.ts';
import { closedRoles, closedSettings } from './settings.ts';
import { sessionsOn } from './swap.ts';

/** What one look at the target server found, for one name and one snapshot. */
export interface TargetFacts {
  user: string;
  superuser: boolean;
  createDatabase: boolean;
  createRole: boolean;
  major: number;
  /** The server's clock. */
  now: Date;
  databases: string[];
  database:
    | {
        owned: boolean;
        template: boolean;
        sizeBytes: number;
        sessions: number;
        slots: number;
        prepared: number;
      }
    | undefined;
  /** Whether the account may end other roles' sessions. */
  signal: boolean;
  missingRoles: string[];
  /** Roles of the snapshot that are here, and that the account is no member of. */
  foreignRoles: string[];
  missingTablespaces: string[];
  /** Tablespaces of the snapshot that are here, and that the account may not use. */
  closedTablespaces: string[];
  missingLocales: string[];
  extensions: { name: string; available: boolean; superuserOnly: boolean; sameVersion: boolean }[];
  /** Settings, and roles with settings, of the snapshot that the account may not make here. */
  closed: { settings: string[]; roles: string[] };
  /** A database that an earlier restore left unfinished. */
  leftover: string | undefined;
}

/** Looks at the target server. */
export async function readTarget(
  session: Session,
  name: string,
  needs: PostgresRequirements,
): Promise<TargetFacts> {
  const roles = needs.roles.map((role) => role.name);
  const [account] = await session.rows<{
    createDatabase: boolean;
    createRole: boolean;
    signal: boolean;
    now: Date;
  }>(
    `SELECT rolsuper OR rolcreatedb AS "createDatabase", rolsuper OR rolcreaterole AS "createRole",
       rolsuper OR pg_has_role('pg_signal_backend', 'USAGE') AS signal, clock_timestamp() AS now
     FROM pg_roles WHERE rolname = current_user`,
  );
  const databases = await session.rows<{ name: string; comment: string | null }>(
    `SELECT datname AS name, shobj_description(oid, 'pg_database') AS comment FROM pg_database`,
  );
  return {
    user: session.user,
    superuser: session.superuser,
    createDatabase: account?.createDatabase ?? false,
    createRole: account?.createRole ?? false,
    signal: account?.signal ?? false,
    major: session.major,
    now: account?.now ?? new Date(),
    databases: databases.map((row) => row.name),
    database: await readDatabase(session, name),
    missingRoles: await missingRoles(session, roles),
    foreignRoles: await foreignRoles(session, roles),
    missingTablespaces: await missingTablespaces(session, needs.tablespaces),
    closedTablespaces: await closedTablespaces(session, needs.tablespaces),
    missingLocales: await missingLocales(session, needs.locale),
    extensions: await readExtensions(session, needs),
    closed: {
      settings: await closedSettings(session, needs.settings),
      roles: await closedRoles(session, needs.rolesWithSettings),
    },
    leftover: databases.find((row) => row.comment === SCRATCH_MARK)?.name,
  };
}

async function readDatabase(session: Session, name: string): Promise<TargetFacts['database']> {
  const [row] = await session.rows<{
    owned: boolean;
    template: boolean;
    size: string;
    slots: number;
    prepared: number;
  }>(
    `SELECT pg_has_role(datdba, 'USAGE') AS owned, datistemplate OR NOT datallowconn AS template,
       CASE WHEN has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
         THEN pg_database_size(oid) ELSE 0 END AS size,
       (SELECT count(*)::int FROM pg_replication_slots s WHERE s.database = datname) AS slots,
       (SELECT count(*)::int FROM pg_prepared_xacts p WHERE p.database = datname) AS prepared
     FROM pg_database WHERE datname = $1`,
    [name],
  );
  if (!row) return undefined;
  const { owned, template, slots, prepared } = row;
  return {
    owned,
    template,
    slots,
    prepared,
    sizeBytes: Number(row.size),
    sessions: await sessionsOn(session, name),
  };
}

async function foreignRoles(session: Session, roles: readonly string[]): Promise<string[]> {
  if (session.superuser) return [];
  const rows = await session.rows<{ name: string }>(
    `SELECT rolname AS name FROM pg_roles WHERE rolname = ANY($1) AND NOT pg_has_role(oid, 'MEMBER') ORDER BY 1`,
    [roles],
  );
  return rows.map((row) => row.name);
}

async function missingTablespaces(session: Session, names: readonly string[]): Promise<string[]> {
  const rows = await session.rows<{ name: string }>(
    'SELECT name FROM unnest($1::text[]) AS name WHERE NOT EXISTS (SELECT 1 FROM pg_tablespace WHERE spcname = name)',
    [names],
  );
  return rows.map((row) => row.name);
}

async function closedTablespaces(session: Session, names: readonly string[]): Promise<string[]> {
  const rows = await session.rows<{ name: string }>(
    `SELECT spcname AS name FROM pg_tablespace WHERE spcname = ANY($1) AND NOT has_tablespace_privilege(oid, 'CREATE')`,
    [names],
  );
  return rows.map((row) => row.name);
}

/** libc's locales are those of the server's system; pg_collation lists them as they were found at initdb. */
async function missingLocales(session: Session, locale: DatabaseLocale): Promise<string[]> {
  if (locale.provider === 'builtin' && session.major < 17) return [`builtin ${locale.locale}`];
  if (locale.provider === 'icu' && session.major < 15) return [`icu ${locale.locale}`];
  const rows = await session.rows<{ name: string }>(
    `SELECT DISTINCT name FROM unnest($1::text[]) AS name
     WHERE name NOT IN ('C', 'POSIX') AND NOT EXISTS (
       SELECT 1 FROM pg_collation WHERE collprovider = 'c' AND simplify(collcollate) = simplify(name))
     AND NOT EXISTS (SELECT 1 FROM pg_database WHERE simplify(datcollate) = simplify(name) OR simplify(datctype) = simplify(name))`.replace(
      /simplify\((\w+)\)/g,
      // The same locale goes by en_US.UTF-8 and en_US.utf8.
      `replace(lower($1), '-', '')`,
    ),
    [[locale.collate, locale.ctype]],
  );
  return rows.map((row) => row.name);
}

async function readExtensions(
  session: Session,
  needs: PostgresRequirements,
): Promise<TargetFacts['extensions']> {
  const rows = await session.rows<{ name: string; version: string; superuser: boolean; trusted: boolean }>(
    `SELECT DISTINCT ON (a.name) a.name, a.default_version AS version, v.superuser, v.trusted
     FROM pg_available_extensions a JOIN pg_available_extension_versions v ON v.name = a.name
     WHERE a.name = ANY($1) ORDER BY a.name, v.version = a.default_version DESC`,
    [needs.extensions.map((one) => one.name)],
  );
  return needs.extensions.map(({ name, version }) => {
    const found = rows.find((row) => row.name === name);
    return {
      name,
      available: found !== undefined,
      superuserOnly: found?.superuser === true && !found.trusted,
      sameVersion: found?.version === version,
    };
  });
}
