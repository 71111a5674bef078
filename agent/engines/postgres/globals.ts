import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';
import type { Session } from './connect.ts';
import { localeSchema } from './requirements.ts';

/** Largest globals stream a restore reads, in bytes. */
const MAX_GLOBALS_BYTES = 32 * 1024 * 1024;

const grantSchema = z.object({
  grantee: z.string().nullable(),
  privilege: z.string(),
  grantable: z.boolean(),
});

/** One role; elevated attributes are recorded, restoring decides which of them it gives. */
export const roleSchema = z.object({
  name: z.string(),
  superuser: z.boolean(),
  inherit: z.boolean(),
  createRole: z.boolean(),
  createDatabase: z.boolean(),
  login: z.boolean(),
  replication: z.boolean(),
  bypassRls: z.boolean(),
  connectionLimit: z.number(),
  validUntil: z.string().nullable(),
  /** Password hash; only where the dumping account was a superuser. */
  password: z.string().nullable(),
  comment: z.string().nullable(),
  memberOf: z.array(z.object({ role: z.string(), admin: z.boolean() })),
  /** `name=value` pairs of `ALTER ROLE … SET`, in every database. */
  settings: z.array(z.string()),
  /** The same, in this database only. */
  databaseSettings: z.array(z.string()),
});
export type GlobalRole = z.infer<typeof roleSchema>;

/** What `pg_dump -C` and `pg_dumpall -g` would carry for one database: the second stream of a snapshot. */
export const globalsSchema = z.object({
  format: z.literal('homeport-pg-globals'),
  version: z.literal(1),
  database: z.object({
    name: z.string(),
    owner: z.string(),
    locale: localeSchema,
    tablespace: z.string(),
    connectionLimit: z.number(),
    isTemplate: z.boolean(),
    comment: z.string().nullable(),
    /** `null`: PostgreSQL's default privileges; a `null` grantee is PUBLIC. */
    acl: z.array(grantSchema).nullable(),
    settings: z.array(z.string()),
  }),
  roles: z.array(roleSchema),
  tablespaces: z.array(z.object({ name: z.string(), owner: z.string(), location: z.string() })),
});
export type PostgresGlobals = z.infer<typeof globalsSchema>;

const PROVIDERS: Record<string, 'libc' | 'icu' | 'builtin'> = { c: 'libc', i: 'icu', b: 'builtin' };

/** Reads the globals of the session's database. `roles` are the names that the archive mentions. */
export async function readGlobals(session: Session, roles: readonly string[]): Promise<PostgresGlobals> {
  const database = await readDatabase(session);
  const needed = await neededRoles(session, [...roles, database.owner]);
  return {
    format: 'homeport-pg-globals',
    version: 1,
    database,
    roles: await readRoles(session, needed),
    tablespaces: await session.rows(
      `SELECT spcname AS name, pg_get_userbyid(spcowner) AS owner, pg_tablespace_location(oid) AS location
       FROM pg_tablespace WHERE spcname NOT LIKE 'pg\\_%' AND (
         oid = (SELECT dattablespace FROM pg_database WHERE datname = current_database())
         OR oid IN (SELECT reltablespace FROM pg_class WHERE relkind IN ('r', 'p', 'm', 'i', 'I')))
       ORDER BY 1`,
    ),
  };
}

async function readDatabase(session: Session): Promise<PostgresGlobals['database']> {
  // The columns that hold a locale differ from major to major; absent ones are NULL in the JSON.
  const [row] = await session.rows<{
    d: Record<string, string | number | boolean | null>;
    [key: string]: unknown;
  }>(
    `SELECT to_jsonb(d) - 'datacl' AS d, pg_get_userbyid(d.datdba) AS owner, pg_encoding_to_char(d.encoding) AS encoding,
       (SELECT spcname FROM pg_tablespace WHERE oid = d.dattablespace) AS tablespace,
       shobj_description(d.oid, 'pg_database') AS comment,
       (SELECT json_agg(json_build_object('grantee', CASE WHEN grantee <> 0 THEN pg_get_userbyid(grantee) END,
          'privilege', privilege_type, 'grantable', is_grantable)) FROM aclexplode(d.datacl)) AS acl,
       d.datacl IS NOT NULL AS "hasAcl",
       coalesce((SELECT to_json(setconfig) FROM pg_db_role_setting WHERE setdatabase = d.oid AND setrole = 0), '[]') AS settings
     FROM pg_database d WHERE datname = current_database()`,
  );
  if (!row) throw fail('database_missing', 'The database vanished.', 'Refresh the list of databases.');
  const text = (key: string) => (row.d[key] == null ? null : String(row.d[key]));
  return {
    name: String(row.d.datname),
    owner: row.owner as string,
    locale: {
      encoding: row.encoding as string,
      provider: PROVIDERS[text('datlocprovider') ?? 'c'] ?? 'libc',
      collate: text('datcollate') ?? 'C',
      ctype: text('datctype') ?? 'C',
      locale: text('datlocale') ?? text('daticulocale'),
      icuRules: text('daticurules'),
    },
    tablespace: row.tablespace as string,
    connectionLimit: Number(row.d.datconnlimit),
    isTemplate: row.d.datistemplate === true,
    comment: row.comment as string | null,
    acl: row.hasAcl ? ((row.acl as z.infer<typeof grantSchema>[] | null) ?? []) : null,
    settings: row.settings as string[],
  };
}

/** The roles named, those this database's owner, grants, objects and settings name, and all those are members of. */
async function neededRoles(session: Session, named: readonly string[]): Promise<string[]> {
  const rows = await session.rows<{ name: string }>(
    `WITH RECURSIVE needed(oid) AS (
       SELECT oid FROM pg_roles WHERE rolname = ANY($1)
       UNION SELECT d.refobjid FROM pg_shdepend d, pg_database b WHERE b.datname = current_database()
         AND d.refclassid = 'pg_authid'::regclass
         AND (d.dbid = b.oid OR (d.classid = 'pg_database'::regclass AND d.objid = b.oid))
       UNION SELECT a.grantee FROM pg_database b, aclexplode(b.datacl) a WHERE b.datname = current_database()
       UNION SELECT s.setrole FROM pg_db_role_setting s, pg_database b WHERE b.datname = current_database() AND s.setdatabase = b.oid
       UNION SELECT m.roleid FROM pg_auth_members m JOIN needed n ON m.member = n.oid)
     SELECT r.rolname AS name FROM pg_roles r JOIN needed USING (oid) ORDER BY 1`,
    [named],
  );
  return rows.map((row) => row.name);
}

async function readRoles(session: Session, names: readonly string[]): Promise<GlobalRole[]> {
  const secret = session.superuser ? 'a.rolpassword' : 'NULL::text';
  const settings = (database: string) =>
    `coalesce((SELECT to_json(setconfig) FROM pg_db_role_setting WHERE setrole = a.oid AND setdatabase = ${database}), '[]')`;
  return await session.rows<GlobalRole>(
    `SELECT a.rolname AS name, rolsuper AS superuser, rolinherit AS inherit, rolcreaterole AS "createRole",
       rolcreatedb AS "createDatabase", rolcanlogin AS login, rolreplication AS replication, rolbypassrls AS "bypassRls",
       rolconnlimit AS "connectionLimit", rolvaliduntil::text AS "validUntil", ${secret} AS password,
       shobj_description(a.oid, 'pg_authid') AS comment,
       coalesce((SELECT json_agg(json_build_object('role', role, 'admin', admin) ORDER BY role) FROM (
         SELECT pg_get_userbyid(roleid) AS role, bool_or(admin_option) AS admin FROM pg_auth_members
         WHERE member = a.oid GROUP BY roleid) AS m), '[]') AS "memberOf",
       ${settings('0')} AS settings,
       ${settings('(SELECT oid FROM pg_database WHERE datname = current_database())')} AS "databaseSettings"
     FROM ${session.superuser ? 'pg_authid' : 'pg_roles'} a WHERE a.rolname = ANY($1) ORDER BY 1`,
    [names],
  );
}

/** Reads and checks a globals stream to its very end; throws `manifest_invalid`. */
export async function parseGlobals(body: AsyncIterable<Uint8Array>): Promise<PostgresGlobals> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_GLOBALS_BYTES) throw invalid(undefined);
    chunks.push(chunk);
  }
  let json: unknown;
  try {
    json = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw invalid(cause);
  }
  const parsed = globalsSchema.safeParse(json);
  if (!parsed.success) throw invalid(parsed.error);
  return parsed.data;
}

function invalid(cause: unknown) {
  return fail(
    'manifest_invalid',
    'The snapshot’s globals stream cannot be read.',
    'It was made by a newer Homeport. Update the agent.',
    { cause },
  );
}
