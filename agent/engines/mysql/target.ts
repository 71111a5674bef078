import { FailureError } from '../../../protocol/failure.ts';
import { type Catalogue, inDatabase, readCatalogue } from './catalogue.ts';
import type { Session } from './connect.ts';
import { MARK } from './database.ts';
import { type Grant, readGrants } from './grants.ts';
import { foldName } from './names.ts';
import type { MysqlRequirements } from './requirements.ts';

/** What one look at the target server found, for one name and one snapshot. */
export interface TargetFacts {
  /** The database's name as this server writes it. */
  name: string;
  /** The account logged in as, `user@host`. */
  account: string;
  flavour: MysqlRequirements['flavour'];
  version: string;
  versionNumber: number;
  grants: Grant[];
  database: { sizeBytes: number; sessions: number; catalogue: Catalogue; unfinished: boolean } | undefined;
  readOnly: boolean;
  maxAllowedPacket: number;
  lowerCaseTableNames: number;
  /** Whether making triggers and functions takes a right of its own, since the server writes a binary log. */
  guardsPrograms: boolean;
  /** Whether former rows can be inserted as such. */
  insertsHistory: boolean;
  /** Accounts of the server; `undefined` where the account may not read them. */
  accounts: ReadonlySet<string> | undefined;
  /** Those that hold SYSTEM_USER, also by a role: MySQL guards what runs as them. `undefined` as above. */
  systemUsers: ReadonlySet<string> | undefined;
  /** What the snapshot uses and the server does not know. */
  unknownCollations: string[];
  unknownEngines: string[];
  /** A database that an earlier restore left unfinished. */
  leftover: string | undefined;
}

/** Looks at the target server. */
export async function readTarget(
  session: Session,
  wanted: string,
  needs: MysqlRequirements,
): Promise<TargetFacts> {
  const { account, flavour, version, versionNumber } = session;
  const variables = await readVariables(session);
  // With 1 the server keeps all names in lower case; with 2 it keeps them as they were given.
  const name = variables.lowerCaseTableNames === 1 ? foldName(wanted) : wanted;
  return {
    name,
    account,
    flavour,
    version,
    versionNumber,
    grants: await readGrants(session),
    database: await readDatabase(session, name),
    accounts: await readAccounts(session),
    systemUsers: await readSystemUsers(session),
    ...variables,
    ...(await readUnknown(session, needs)),
    leftover: await readLeftover(session, name),
  };
}

async function readDatabase(session: Session, name: string): Promise<TargetFacts['database']> {
  const found = await session.rows(
    `SELECT 1 FROM information_schema.SCHEMATA WHERE ${inDatabase('SCHEMA_NAME')}`,
    [name, name],
  );
  if (found.length === 0) return undefined;
  const catalogue = await readCatalogue(session, name);
  return {
    catalogue,
    sizeBytes: catalogue.relations.reduce((sum, one) => sum + one.bytes, 0),
    sessions: (await sessionsOn(session, name)).length,
    unfinished: catalogue.relations.some((one) => one.name === MARK),
  };
}

/** Sessions that have chosen the database; without PROCESS only those of the own account are seen. */
export async function sessionsOn(session: Session, database: string): Promise<string[]> {
  const rows = await session.rows<{ id: string }>(
    `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE ${inDatabase('DB')} AND ID <> CONNECTION_ID()`,
    [database, database],
  );
  return rows.map((row) => String(row.id));
}

async function readVariables(session: Session) {
  const rows = await session.rows<{ Variable_name: string; Value: string }>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'super_read_only', 'max_allowed_packet', 'log_bin',
       'lower_case_table_names', 'log_bin_trust_function_creators', 'system_versioning_insert_history')`,
  );
  const value = (name: string) => rows.find((row) => row.Variable_name === name)?.Value;
  const on = (name: string) => /^(?:ON|1|YES)/i.test(value(name) ?? '');
  return {
    readOnly: on('read_only') || on('super_read_only'),
    maxAllowedPacket: Number(value('max_allowed_packet') ?? 16 * 1024 * 1024),
    lowerCaseTableNames: Number(value('lower_case_table_names') ?? 0),
    guardsPrograms: on('log_bin') && !on('log_bin_trust_function_creators'),
    insertsHistory: value('system_versioning_insert_history') !== undefined,
  };
}

/** Reading the accounts takes SELECT on a table of the server's own; without it nothing is known of them. */
async function readAccounts(session: Session): Promise<ReadonlySet<string> | undefined> {
  const rows = await session
    .rows<{ account: string }>(`SELECT CONCAT(User, '@', Host) AS account FROM mysql.user`)
    .catch(() => undefined);
  return rows && new Set(rows.map((row) => row.account));
}

/** Since then MySQL has SYSTEM_USER. */
const SYSTEM_USERS = 80_016;

/** As the server does it: whoever was granted a role has what it has. */
async function readSystemUsers(session: Session): Promise<ReadonlySet<string> | undefined> {
  if (session.flavour !== 'mysql' || session.versionNumber < SYSTEM_USERS) return new Set();
  try {
    const holders = await session.rows<{ account: string }>(
      `SELECT CONCAT(USER, '@', HOST) AS account FROM mysql.global_grants WHERE PRIV = 'SYSTEM_USER'`,
    );
    const edges = await session.rows<{ role: string; member: string }>(
      `SELECT CONCAT(FROM_USER, '@', FROM_HOST) AS role, CONCAT(TO_USER, '@', TO_HOST) AS member FROM mysql.role_edges`,
    );
    const found = new Set(holders.map((row) => row.account));
    for (const account of found) {
      for (const { role, member } of edges) if (role === account) found.add(member);
    }
    return found;
  } catch (error) {
    if (error instanceof FailureError && error.failure.code === 'privilege_missing') return undefined;
    throw error;
  }
}

async function readUnknown(session: Session, needs: MysqlRequirements) {
  const collations = await session.rows<{ name: string }>(
    // From 10.10 on MariaDB lists names without the character set that they go with.
    session.flavour === 'mariadb' && session.versionNumber >= 101_001
      ? 'SELECT FULL_COLLATION_NAME AS name FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY'
      : 'SELECT COLLATION_NAME AS name FROM information_schema.COLLATIONS',
  );
  const engines = await session.rows<{ name: string }>(
    `SELECT ENGINE AS name FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')`,
  );
  const missing = (wanted: readonly string[], there: readonly { name: string }[]) => {
    const known = new Set(there.map(({ name }) => name.toLowerCase()));
    return wanted.filter((name) => !known.has(name.toLowerCase()));
  };
  return {
    unknownCollations: missing(needs.collations, collations),
    unknownEngines: missing(needs.engines, engines),
  };
}

async function readLeftover(session: Session, target: string): Promise<string | undefined> {
  const rows = await session.rows<{ name: string }>(
    'SELECT TABLE_SCHEMA AS name FROM information_schema.TABLES WHERE TABLE_NAME = ? AND TABLE_SCHEMA <> ?',
    [MARK, target],
  );
  return rows[0]?.name;
}
