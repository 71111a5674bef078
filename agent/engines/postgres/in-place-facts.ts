import { FailureError } from '../../../protocol/failure.ts';
import { connect, type PostgresServer, type Session } from './connect.ts';
import { asJson, doomedSql, KEYWORD, NAME, type TableName } from './drops.ts';
import type { PostgresRequirements } from './requirements.ts';

/** More names than this nobody reads. */
const MAX_LISTED = 200;
/** A snapshot's requirements must fit a frame. */
const MAX_NAMES = 5000;
const MAX_NAME_CHARACTERS = 200_000;

/** Kind, schema and tag of the entry that would make it. */
export interface KeptObject {
  desc: string;
  schema: string;
  tag: string;
}

/** What a look into the target database itself found, for a restore in place. */
export interface InPlaceFacts {
  encoding: string;
  /** Objects that would be dropped and do not come back, as `table public.orders`; how many in all. */
  drops: { names: string[]; count: number };
  /** Whether {@link drops} says that: `false` where the snapshot's objects are too many to be listed in it. */
  compared: boolean;
  /** Tables of the target that stay as they are, since the snapshot has no rows of theirs. */
  kept: TableName[];
  /** Those and all they are made of, as an archive's entries name them. */
  keptObjects: KeptObject[];
  /** Why those cannot stay: relations they are made of that would be dropped. */
  tangled: { kept: string; made: string }[];
  /** Objects that the account may not drop; `what` as ALTER takes it. */
  foreign: { owner: string; ownerIsSuperuser: boolean; name: string; what: string }[];
  /** Large objects of other roles. */
  foreignLargeObjects: { owner: string; ownerIsSuperuser: boolean; count: number }[];
  /** Whether the account may make schemas and extensions; else the roles that may. */
  createsInDatabase: boolean;
  creators: string[];
  /** Schemas that stay, what the account may do there, and the roles that may create there. */
  schemas: { name: string; owned: boolean; creates: boolean; creators: string[] }[];
  extensions: { name: string; schema: string; owned: boolean }[];
  subscriptions: string[];
}

/** Looks into `database`; a reason in words where it lets nobody in. */
export async function readInPlace(
  server: PostgresServer,
  database: string,
  input: { needs: PostgresRequirements; signal: AbortSignal },
): Promise<InPlaceFacts | { closed: FailureError }> {
  try {
    await using session = await connect(server, database, input.signal);
    // One look: what is read first and what is read last belong together.
    await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return await look(session, input.needs);
  } catch (error) {
    if (error instanceof FailureError && ['privilege_missing', 'access_denied'].includes(error.failure.code))
      return { closed: error };
    throw error;
  }
}

async function look(session: Session, needs: PostgresRequirements): Promise<InPlaceFacts> {
  const [facts] = await session.rows<{ encoding: string; creates: boolean; creators: string[] }>(
    `SELECT pg_encoding_to_char(encoding) AS encoding, has_database_privilege(oid, 'CREATE') AS creates,
       ARRAY(SELECT rolname::text FROM pg_roles WHERE has_database_privilege(pg_roles.oid, d.oid, 'CREATE')) AS creators
     FROM pg_database d WHERE datname = current_database()`,
  );
  const objects = await session.rows<InPlaceFacts['foreignLargeObjects'][number]>(
    `SELECT rolname AS owner, rolsuper AS "ownerIsSuperuser", count(*)::int AS count
     FROM pg_largeobject_metadata JOIN pg_roles r ON r.oid = lomowner WHERE NOT pg_has_role(lomowner, 'USAGE') GROUP BY 1, 2 ORDER BY 1`,
  );
  const extensions = await session.rows<InPlaceFacts['extensions'][number]>(
    `SELECT extname AS name, nspname AS schema, pg_has_role(extowner, 'USAGE') AS owned
     FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace ORDER BY 1`,
  );
  const subscriptions = await session.rows<{ name: string }>(
    `SELECT subname AS name FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE datname = current_database() ORDER BY 1`,
  );
  return {
    encoding: facts?.encoding ?? '',
    createsInDatabase: facts?.creates ?? false,
    creators: facts?.creators ?? [],
    foreignLargeObjects: objects,
    extensions,
    subscriptions: subscriptions.map((row) => row.name),
    ...(await readDoomed(session, needs)),
  };
}

async function readDoomed(session: Session, needs: PostgresRequirements) {
  const cte = `WITH RECURSIVE ${doomedSql(asJson(needs.leftOut))}`;
  const [drops] = await session.rows<{ names: string[]; count: number }>(
    `${cte} SELECT coalesce((array_agg(type || ' ' || identity ORDER BY place DESC, identity))[:${MAX_LISTED}], '{}') AS names, count(*)::int AS count
     FROM doomed WHERE type || ' ' || identity <> ALL ($1)`,
    [needs.objects ?? []],
  );
  const kept = await session.rows<TableName>(
    `${cte} SELECT nspname AS schema, relname AS name FROM kept_tables JOIN pg_class USING (oid) JOIN pg_namespace n ON n.oid = pg_class.relnamespace ORDER BY 1, 2`,
  );
  const tangled =
    kept.length === 0
      ? []
      : await session.rows<{ kept: string; made: string }>(
          `${cte} SELECT (SELECT min(oid::regclass::text) FROM kept_tables) AS kept, object::regclass::text AS made
           FROM kept JOIN pg_class c ON c.oid = object WHERE class = 'pg_class'::regclass AND relkind IN ('r', 'p', 'v', 'm', 'f')
             AND object NOT IN (SELECT oid FROM kept_tables) ORDER BY 2 LIMIT ${MAX_LISTED}`,
        );
  const foreign = await session.rows<InPlaceFacts['foreign'][number]>(
    `${cte} SELECT r.rolname AS owner, r.rolsuper AS "ownerIsSuperuser", identity AS name, ${KEYWORD} || ' ' || ${NAME} AS what
     FROM doomed d JOIN pg_roles r ON r.oid = owner LEFT JOIN pg_namespace n ON n.oid = d.schema
     WHERE NOT pg_has_role(owner, 'USAGE') AND NOT coalesce(pg_has_role(n.nspowner, 'USAGE'), false) ORDER BY 1, 3`,
  );
  const schemas = await session.rows<InPlaceFacts['schemas'][number]>(
    `${cte} SELECT nspname AS name, owned, has_schema_privilege(oid, 'CREATE') AS creates,
       ARRAY(SELECT rolname::text FROM pg_roles r WHERE has_schema_privilege(r.oid, kept_schemas.oid, 'CREATE')) AS creators
     FROM kept_schemas ORDER BY 1`,
  );
  const keptObjects = kept.length === 0 ? [] : await session.rows<KeptObject>(`${cte} ${KEPT_OBJECTS}`);
  return {
    keptObjects,
    drops: drops ?? { names: [], count: 0 },
    compared: needs.objects !== null,
    kept,
    tangled,
    foreign,
    schemas,
  };
}

const KEPT_OBJECTS = `, named(class, object, schema, tag, desc) AS (
  SELECT 'pg_class'::regclass::oid, oid, relnamespace, relname::text, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END FROM pg_class WHERE relkind IN ('r', 'p', 'S')
  UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace, typname, CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END FROM pg_type
  UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace, proname || '(' || array_to_string(ARRAY(SELECT format_type(a, NULL) FROM unnest(proargtypes) a), ', ') || ')',
    CASE prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END FROM pg_proc
  UNION ALL SELECT 'pg_collation'::regclass, oid, collnamespace, collname, 'COLLATION' FROM pg_collation
  UNION ALL SELECT 'pg_opclass'::regclass, oid, opcnamespace, opcname, 'OPERATOR CLASS' FROM pg_opclass
  UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfnamespace, opfname, 'OPERATOR FAMILY' FROM pg_opfamily)
SELECT desc, nspname AS schema, tag FROM kept JOIN named USING (class, object) JOIN pg_namespace n ON n.oid = schema`.replaceAll(
  /\bdesc\b/g,
  '"desc"',
);

/** Names of what the session's database holds, as a later restore in place compares them; `null` if they are too many. */
export async function objectNames(session: Session): Promise<string[] | null> {
  const rows = await session.rows<{ name: string }>(
    `WITH RECURSIVE ${doomedSql(asJson([]))} SELECT type || ' ' || identity AS name
     FROM objects o CROSS JOIN LATERAL pg_identify_object(o.class, o.object, 0) AS i LIMIT ${MAX_NAMES + 1}`,
  );
  const names = rows.map((row) => row.name);
  return names.length > MAX_NAMES || names.join('').length > MAX_NAME_CHARACTERS ? null : names;
}
