import type { Finding } from '../../../protocol/restore.ts';
import { listed, pasteable } from '../words.ts';
import type { Session } from './connect.ts';
import type { TableName } from './drops.ts';
import { quoteIdent, quoteLiteral } from './quote.ts';

const USER_SCHEMA = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;
interface Gap {
  schemas: string[];
  tables: TableName[];
  sequences: TableName[];
  secured: TableName[];
  largeObjects: number;
  mappings: number;
}

/**
 * What the session's account cannot read of its database; all of it would make pg_dump fail. Tables whose rows are
 * left out must be readable all the same (they are locked), but no row security binds there.
 */
export async function readingGaps(session: Session, leftOut: readonly TableName[] = []): Promise<Finding[]> {
  if (session.superuser) return [];
  const gap = await readGap(session);
  const read = ({ schema, name }: TableName) =>
    !leftOut.some((table) => table.schema === schema && table.name === name);
  gap.secured = gap.secured.filter(read);
  const user = quoteIdent(session.user);
  const findings: Finding[] = [];
  const readAll = session.major >= 14 && gap.schemas.length + gap.tables.length + gap.sequences.length > 0;
  const all = readAll
    ? ` Or, for everything in every database of this server: GRANT pg_read_all_data TO ${user};`
    : '';
  const blocker = (code: string, message: string, sql: string, hint: string) =>
    findings.push({ severity: 'blocker', code, message, sql, hint });
  if (gap.schemas.length > 0) {
    const sql = pasteable(gap.schemas.map((name) => `GRANT USAGE ON SCHEMA ${quoteIdent(name)} TO ${user};`));
    blocker(
      'schema_unreadable',
      `“${session.user}” may not use ${listed(gap.schemas)}; all that is in there would be lost.`,
      sql,
      `Run this in the database, as the owner or a superuser.${all}`,
    );
  }
  if (gap.tables.length > 0) {
    blocker(
      'table_unreadable',
      `“${session.user}” may not read ${listed(gap.tables.map(dotted))}; the dump would fail.`,
      grants('TABLE', gap.tables, user),
      `Run this in the database, as the owner or a superuser.${all}`,
    );
  }
  if (gap.sequences.length > 0) {
    blocker(
      'sequence_unreadable',
      `“${session.user}” may not read the sequences ${listed(gap.sequences.map(dotted))}; the dump would fail.`,
      grants('SEQUENCE', gap.sequences, user),
      `Run this in the database, as the owner or a superuser.${all}`,
    );
  }
  if (gap.secured.length > 0) {
    blocker(
      'row_security',
      `Row security hides rows of ${listed(gap.secured.map(dotted))} from “${session.user}”; the dump would fail rather than miss them.`,
      `ALTER ROLE ${user} BYPASSRLS;`,
      'Run this as a superuser. The account then reads every row; grant it to an account used for backups only.',
    );
  }
  if (gap.largeObjects > 0) {
    blocker(
      'large_object_unreadable',
      `“${session.user}” may not read ${gap.largeObjects} large objects; the dump would fail.`,
      largeObjectGrant(session.user),
      'Run this in the database as a superuser, again for objects that come later. pg_read_all_data does not cover large objects.',
    );
  }
  if (gap.mappings > 0) {
    findings.push({
      severity: 'warning',
      code: 'user_mapping_options',
      message: `The options (passwords) of ${gap.mappings} user mappings of foreign servers can only be read by a superuser; they would be missing from the backup.`,
      hint: 'Back up with a superuser, or set them again after a restore.',
    });
  }
  return findings;
}

async function readGap(session: Session): Promise<Gap> {
  // Extension members that are no configuration tables have no data in a dump and are not even locked.
  const ours = `NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
    OR EXISTS (SELECT 1 FROM pg_extension e WHERE c.oid = ANY (e.extconfig))`;
  const lacking = (kinds: string, condition: string) =>
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE ${USER_SCHEMA} AND c.relkind IN (${kinds}) AND (${ours}) AND ${condition} ORDER BY 1, 2`;
  const schemas = await session.rows<{ name: string }>(
    `SELECT n.nspname AS name FROM pg_namespace n WHERE ${USER_SCHEMA} AND NOT has_schema_privilege(n.oid, 'USAGE')
       AND (EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'S'))) ORDER BY 1`,
  );
  const [objects] = await session.rows<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_largeobject_metadata m WHERE NOT pg_has_role(m.lomowner, 'USAGE')
       AND NOT EXISTS (SELECT 1 FROM aclexplode(m.lomacl) a WHERE a.privilege_type = 'SELECT'
         AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))`,
  );
  const [mappings] = await session.rows<{ count: number }>(
    'SELECT count(*)::int AS count FROM pg_user_mappings WHERE umoptions IS NULL',
  );
  return {
    schemas: schemas.map((row) => row.name),
    tables: await session.rows(lacking(`'r', 'p'`, `NOT has_table_privilege(c.oid, 'SELECT')`)),
    sequences: await session.rows(lacking(`'S'`, `NOT has_table_privilege(c.oid, 'SELECT')`)),
    secured: await session.rows(lacking(`'r'`, `c.relrowsecurity AND ${rowSecurityBinds}`)),
    largeObjects: objects?.count ?? 0,
    mappings: mappings?.count ?? 0,
  };
}

/** Our sessions switch row_security off, so `row_security_active()` would not answer; this is its rule. */
const rowSecurityBinds = `(c.relforcerowsecurity OR NOT pg_has_role(c.relowner, 'USAGE'))
  AND NOT (SELECT rolbypassrls FROM pg_roles WHERE rolname = current_user)`;

/** For what nobody but a superuser can do. */
export const superuserGrant = (user: string) =>
  `ALTER ROLE ${quoteIdent(user)} SUPERUSER; -- and NOSUPERUSER afterwards`;

/** The GRANT that lets the account log in to a database. */
export function connectGrant(database: string, user: string): string {
  return `GRANT CONNECT ON DATABASE ${quoteIdent(database)} TO ${quoteIdent(user)};`;
}

function grants(kind: 'TABLE' | 'SEQUENCE', relations: TableName[], user: string): string {
  const exact = relations.map(
    (one) => `GRANT SELECT ON ${kind} ${quoteIdent(one.schema)}.${quoteIdent(one.name)} TO ${user};`,
  );
  if (exact.join('\n').length < 4000) return pasteable(exact);
  const schemas = [...new Set(relations.map((one) => one.schema))];
  return pasteable(
    schemas.map((schema) => `GRANT SELECT ON ALL ${kind}S IN SCHEMA ${quoteIdent(schema)} TO ${user};`),
  );
}

function largeObjectGrant(user: string): string {
  return `DO $homeport$ DECLARE object oid; BEGIN
  FOR object IN SELECT oid FROM pg_catalog.pg_largeobject_metadata LOOP
    EXECUTE pg_catalog.format('GRANT SELECT ON LARGE OBJECT %s TO %I', object, ${quoteLiteral(user)});
  END LOOP;
END $homeport$;`;
}

const dotted = (one: TableName) => `${one.schema}.${one.name}`;
