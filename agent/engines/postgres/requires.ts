import type { Session } from './connect.ts';
import type { TableName } from './drops.ts';
import type { PostgresGlobals } from './globals.ts';
import { objectNames } from './in-place-facts.ts';
import type { PostgresRequirements } from './requirements.ts';
import { settingName } from './settings.ts';

/** Reads, in the dump's snapshot, what a target will need. `owners` are the owners that the archive names. */
export async function readRequirements(
  session: Session,
  input: {
    globals: PostgresGlobals;
    owners: readonly string[];
    dumpMajor: number;
    leftOut: readonly TableName[];
  },
): Promise<PostgresRequirements> {
  const { database, roles, tablespaces } = input.globals;
  const [facts] = await session.rows<{
    objects: boolean;
    triggers: boolean;
    subscriptions: boolean;
    code: boolean;
    /** Whether something in a database of another tablespace was put into `pg_default` by that name. */
    byDefault: boolean;
    size: string;
  }>(
    `SELECT EXISTS (SELECT 1 FROM pg_largeobject_metadata) AS objects,
       EXISTS (SELECT 1 FROM pg_event_trigger) AS triggers,
       EXISTS (SELECT 1 FROM pg_stat_subscription) AS subscriptions,
       EXISTS (SELECT 1 FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE NOT r.rolsuper
         UNION ALL SELECT 1 FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE NOT r.rolsuper AND (
           c.relkind = 'm' OR EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c')
           OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attgenerated <> '')
           OR EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND (indexprs IS NOT NULL OR indpred IS NOT NULL)))
         UNION ALL SELECT 1 FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid JOIN pg_roles r ON r.oid = t.typowner
           WHERE NOT r.rolsuper AND k.contype = 'c') AS code,
       EXISTS (SELECT 1 FROM pg_class WHERE reltablespace = 1663) AS "byDefault",
       pg_database_size(current_database()) AS size`,
  );
  const named = await session.rows<{ name: string }>(
    `SELECT DISTINCT pg_get_userbyid(role) AS name FROM (
       SELECT unnest(polroles) FROM pg_policy UNION SELECT umuser FROM pg_user_mappings) AS r(role)
     WHERE role <> 0 ORDER BY 1`,
  );
  const owners = new Set([...input.owners, database.owner]);
  return {
    format: 'homeport-pg-requirements/1',
    database: database.name,
    serverMajor: session.major,
    dumpMajor: input.dumpMajor,
    locale: database.locale,
    owner: database.owner,
    roles: roles.map((role) => ({ name: role.name, owns: owners.has(role.name), superuser: role.superuser })),
    namedRoles: named.map((row) => row.name),
    extensions: await session.rows(
      `SELECT e.extname AS name, e.extversion AS version, n.nspname AS schema
       FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.oid >= 16384 ORDER BY 1`,
    ),
    settings: [
      ...new Set([...database.settings, ...roles.flatMap((role) => role.databaseSettings)].map(settingName)),
    ],
    rolesWithSettings: roles.filter((role) => role.databaseSettings.length > 0).map((role) => role.name),
    guests: await guests(session),
    switchedPartitions: await switchedPartitions(session),
    tablespaces: [
      ...tablespaces.map((tablespace) => tablespace.name),
      ...(facts?.byDefault ? ['pg_default'] : []),
    ],
    hasLargeObjects: facts?.objects ?? false,
    hasEventTriggers: facts?.triggers ?? false,
    hasSubscriptions: facts?.subscriptions ?? false,
    lesserOwnersHaveCode: facts?.code ?? false,
    excludedTables: input.leftOut.map(({ schema, name }) => `${schema}.${name}`),
    leftOut: [...input.leftOut],
    schemas: await usedSchemas(session),
    objects: await objectNames(session),
    sizeBytes: Number(facts?.size ?? 0),
  };
}

async function usedSchemas(session: Session): Promise<string[]> {
  const rows = await session.rows<{ name: string }>(
    `SELECT nspname AS name FROM pg_namespace n WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND (nspname <> 'public'
       OR EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = n.oid) OR EXISTS (SELECT 1 FROM pg_proc WHERE pronamespace = n.oid)
       OR EXISTS (SELECT 1 FROM pg_type WHERE typnamespace = n.oid)) ORDER BY 1`,
  );
  return rows.map((row) => row.name);
}

/** More than this nobody reads, and a catalog has to fit a frame. */
const MAX_LISTED = 200;

async function guests(session: Session): Promise<PostgresRequirements['guests']> {
  return await session.rows(
    `SELECT DISTINCT pg_get_userbyid(o.owner) AS role, n.nspname AS schema FROM (
       SELECT relnamespace, relowner FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
       UNION SELECT pronamespace, proowner FROM pg_proc UNION SELECT typnamespace, typowner FROM pg_type
       UNION SELECT oprnamespace, oprowner FROM pg_operator UNION SELECT collnamespace, collowner FROM pg_collation
     ) AS o(namespace, owner) JOIN pg_namespace n ON n.oid = o.namespace
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT pg_has_role(o.owner, n.nspowner, 'USAGE')
     ORDER BY 1, 2 LIMIT ${MAX_LISTED}`,
  );
}

/** See the requirement of this name; `schema.table`, for people. */
export async function switchedPartitions(session: Session): Promise<string[]> {
  const rows = await session.rows<{ name: string }>(
    `SELECT DISTINCT n.nspname || '.' || c.relname AS name FROM pg_trigger g JOIN pg_trigger u ON u.oid = g.tgparentid
       JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE g.tgisinternal AND g.tgconstraint <> 0 AND g.tgenabled <> u.tgenabled ORDER BY 1 LIMIT ${MAX_LISTED}`,
  );
  return rows.map((row) => row.name);
}
