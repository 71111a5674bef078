import { randomBytes } from 'node:crypto';
import { fail } from '../../../protocol/failure.ts';
import type { DrillPlace } from '../../drills/place.ts';
import { listed } from '../words.ts';
import { connect, type PostgresServer, type Session } from './connect.ts';
import { createDatabase } from './database.ts';
import { quoteIdent, quoteLiteral } from './quote.ts';
import type { PostgresRequirements } from './requirements.ts';

/** The database that a drill restores into. */
export const DRILL_DATABASE = 'homeport_drill';

/** Logins of the roles that may touch it. */
export interface DrillRoles {
  /** Owns the database and is nothing else; what the dump holds runs as this. */
  owner: PostgresServer;
  /** May read. */
  reader: PostgresServer;
}

/** Extensions that reach no network and no files, beside those that PostgreSQL trusts itself. */
const HARMLESS = new Set([
  ...['plpgsql', 'vector', 'pg_stat_statements', 'pageinspect', 'pgstattuple', 'pg_buffercache', 'amcheck'],
  ...['postgis', 'postgis_topology', 'postgis_raster', 'postgis_tiger_geocoder', 'timescaledb', 'hypopg'],
  ...[
    'pg_repack',
    'pg_partman',
    'pgrouting',
    'hll',
    'rum',
    'bloom',
    'sslinfo',
    'intagg',
    'xml2',
    'moddatetime',
  ],
  ...['autoinc', 'insert_username', 'refint', 'earthdistance', 'address_standardizer', 'pg_visibility'],
]);

/**
 * Prepares a disposable server for one snapshot: the roles, tablespaces and extensions it needs, and its empty database.
 * Done by the superuser before anything of the dump is there.
 */
export async function prepareWorld(
  place: DrillPlace,
  admin: PostgresServer,
  needs: PostgresRequirements,
): Promise<DrillRoles> {
  await using session = await connect(admin, 'postgres', place.signal);
  const owner = await createLogin(session, admin, 'homeport_drill_owner', 'BYPASSRLS');
  const reader = await createLogin(session, admin, 'homeport_drill_reader', 'BYPASSRLS');
  const taken = [admin, owner, reader].map(({ connection }) => connection.user);
  const named = needs.namedRoles.filter((name) => !name.startsWith('pg_') && !taken.includes(name));
  for (const name of named) await session.run(`CREATE ROLE ${quoteIdent(name)} NOLOGIN`);
  const ident = quoteIdent(owner.connection.user);
  for (const [at, name] of needs.tablespaces.entries()) {
    if (name.startsWith('pg_')) continue;
    const folder = await place.folder(`tablespace-${at}`);
    await session.run(
      `CREATE TABLESPACE ${quoteIdent(name)} OWNER ${ident} LOCATION ${quoteLiteral(folder)}`,
    );
  }
  await createDatabase(session, {
    name: DRILL_DATABASE,
    owner: owner.connection.user,
    locale: needs.locale,
    tablespace: undefined,
  });
  await session.run(`GRANT CONNECT ON DATABASE ${DRILL_DATABASE} TO homeport_drill_reader`);
  await using inside = await connect(admin, DRILL_DATABASE, place.signal);
  await inside.run(`ALTER SCHEMA public OWNER TO ${ident}`);
  await createExtensions(inside, needs, { owner: ident, isolated: place.isolated });
  return { owner, reader };
}

async function createLogin(
  session: Session,
  admin: PostgresServer,
  user: string,
  attributes: string,
): Promise<PostgresServer> {
  const password = randomBytes(24).toString('hex');
  await session.run(`CREATE ROLE ${user} LOGIN NOSUPERUSER ${attributes} PASSWORD '${password}'`);
  return { connection: { ...admin.connection, user }, password };
}

async function createExtensions(
  session: Session,
  { extensions }: PostgresRequirements,
  how: { owner: string; isolated: boolean },
): Promise<void> {
  const wanted = extensions.filter(({ name }) => name !== 'plpgsql');
  if (wanted.length === 0) return;
  await requireKnown(
    session,
    wanted.map(({ name }) => name),
    how.isolated,
  );
  for (const { name, schema } of wanted) {
    if (!schema.startsWith('pg_'))
      await session.run(`CREATE SCHEMA IF NOT EXISTS ${quoteIdent(schema)} AUTHORIZATION ${how.owner}`);
    await session.run(
      `CREATE EXTENSION IF NOT EXISTS ${quoteIdent(name)} SCHEMA ${quoteIdent(schema)} CASCADE`,
    );
  }
  // A dump holds rows of some extensions' own tables.
  const members = await session.rows<{ name: string; kind: string }>(
    `SELECT c.oid::regclass::text AS name, c.relkind AS kind FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
     WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND c.relkind IN ('r', 'S')`,
  );
  for (const { kind, name } of members)
    await session.run(`GRANT ALL ON ${kind === 'S' ? 'SEQUENCE' : 'TABLE'} ${name} TO ${how.owner}`);
  if (!how.isolated) return;
  const wrappers = await session.rows<{ name: string }>(
    'SELECT quote_ident(fdwname) AS name FROM pg_foreign_data_wrapper WHERE fdwname <> $1',
    ['file_fdw'],
  );
  for (const { name } of wrappers)
    await session.run(`GRANT USAGE ON FOREIGN DATA WRAPPER ${name} TO ${how.owner}`);
}

/** What is missing, and what could carry data away from a server that has a network. */
async function requireKnown(session: Session, wanted: readonly string[], isolated: boolean): Promise<void> {
  const known = await session.rows<{ name: string; trusted: boolean }>(
    session.major >= 13
      ? 'SELECT name, bool_or(trusted) AS trusted FROM pg_available_extension_versions GROUP BY 1'
      : 'SELECT name, false AS trusted FROM pg_available_extensions',
  );
  const trusted = new Map(known.map((one) => [one.name, one.trusted]));
  const missing = wanted.filter((name) => !trusted.has(name));
  if (missing.length > 0) {
    throw fail(
      'drill_not_possible',
      `The PostgreSQL ${session.major} server on the agent’s host has no extension ${listed(missing)}.`,
      'Install its package on the agent’s host; most come with postgresql-contrib.',
    );
  }
  const doubtful = wanted.filter((name) => !trusted.get(name) && !HARMLESS.has(name));
  if (isolated || doubtful.length === 0) return;
  throw fail(
    'drill_not_possible',
    `The extension ${listed(doubtful)} may reach the network, and this host lets the agent start no server without one.`,
    'Allow the agent’s service to make network namespaces: RestrictNamespaces=user net in a drop-in of its systemd unit, or run it as root.',
  );
}
