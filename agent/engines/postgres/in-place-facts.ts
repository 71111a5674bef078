import { FailureError } from '../../../protocol/failure.ts';
import { connect, type PostgresServer, type Session } from './connect.ts';
import { type ArchiveName, asJson, doomedSql, KEYWORD, NAME, type TableName } from './drops.ts';
import type { PostgresRequirements } from './requirements.ts';

/** More names than this nobody reads. */
const MAX_LISTED = 200;
/** A snapshot's requirements must fit a frame. */
const MAX_NAMES = 5000;
const MAX_NAME_CHARACTERS = 200_000;

/** What a look into the target database itself found, for a restore in place. */
export interface InPlaceFacts {
  encoding: string;
  /** Objects that would be dropped and do not come back, as `table public.orders`; how many in all. */
  drops: { names: string[]; count: number };
  /** Whether {@link drops} says that: `false` where the snapshot's objects are too many to be listed in it. */
  compared: boolean;
  /** Tables of the target that stay as they are, since the snapshot has no rows of theirs. */
  kept: TableName[];
  /** Those and all they are made of, schemas and extensions, as an archive's entries name them. */
  standing: ArchiveName[];
  /** Why tables cannot stay: what they are made of would be dropped. */
  tangled: string[];
  /** Objects that the account may not replace; `what` as ALTER … OWNER takes it, `null` for what only superusers can own. */
  foreign: { owner: string; ownerIsSuperuser: boolean; name: string; what: string | null }[];
  /** How many there are; all are dropped. */
  largeObjects: number;
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
  const [facts] = await session.rows<{
    encoding: string;
    creates: boolean;
    creators: string[];
    large: number;
  }>(
    `SELECT (SELECT count(*)::int FROM pg_largeobject_metadata) AS large, pg_encoding_to_char(encoding) AS encoding, has_database_privilege(oid, 'CREATE') AS creates,
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
    largeObjects: facts?.large ?? 0,
    foreignLargeObjects: objects,
    extensions,
    subscriptions: subscriptions.map((row) => row.name),
    ...(await readDoomed(session, needs)),
  };
}

/** What nobody else can own, or has no owner of its own. */
const ONLY_SUPERUSERS = `(type IN ('event trigger', 'foreign-data wrapper', 'cast', 'transform', 'access method', 'text search parser', 'text search template')
  OR (type = 'publication' AND EXISTS (SELECT 1 FROM pg_publication p WHERE p.oid = object AND puballtables)))`;

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
  const tangled = await session.rows<{ identity: string }>(
    `${cte} SELECT DISTINCT identity FROM tangled ORDER BY 1 LIMIT ${MAX_LISTED}`,
  );
  const foreign = await session.rows<InPlaceFacts['foreign'][number]>(
    `${cte}, replaced AS (
       SELECT type, identity, class, object, owner, schema FROM doomed
       UNION ALL SELECT 'table', oid::regclass::text, 'pg_class'::regclass, oid, relowner, NULL FROM kept_tables JOIN pg_class c USING (oid)
         WHERE EXISTS (SELECT 1 FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.conparentid = 0))
     SELECT r.rolname AS owner, r.rolsuper AS "ownerIsSuperuser", identity AS name, CASE WHEN NOT ${ONLY_SUPERUSERS} THEN ${KEYWORD} || ' ' || ${NAME} END AS what
     FROM replaced d JOIN pg_roles r ON r.oid = owner LEFT JOIN pg_namespace n ON n.oid = d.schema
     WHERE NOT pg_has_role(owner, 'USAGE') AND NOT coalesce(pg_has_role(n.nspowner, 'USAGE'), false) ORDER BY 1, 3`,
  );
  const schemas = await session.rows<InPlaceFacts['schemas'][number]>(
    `${cte} SELECT nspname AS name, owned, has_schema_privilege(oid, 'CREATE') AS creates,
       ARRAY(SELECT rolname::text FROM pg_roles r WHERE has_schema_privilege(r.oid, kept_schemas.oid, 'CREATE')) AS creators
     FROM kept_schemas ORDER BY 1`,
  );
  const standing = await session.rows<ArchiveName>(`${cte} TABLE standing`);
  return {
    standing,
    drops: drops ?? { names: [], count: 0 },
    compared: needs.objects !== null,
    kept,
    tangled: tangled.map((row) => row.identity),
    foreign,
    schemas,
  };
}

/** Names of what the session's database holds, as a later restore in place compares them; `null` if they are too many. */
export async function objectNames(session: Session): Promise<string[] | null> {
  const rows = await session.rows<{ name: string }>(
    `WITH RECURSIVE ${doomedSql(asJson([]))} SELECT type || ' ' || identity AS name
     FROM objects o CROSS JOIN LATERAL pg_identify_object(o.class, o.object, 0) AS i LIMIT ${MAX_NAMES + 1}`,
  );
  const names = rows.map((row) => row.name);
  return names.length > MAX_NAMES || names.join('').length > MAX_NAME_CHARACTERS ? null : names;
}
