import { FailureError, fail } from '../../../protocol/failure.ts';
import type { DrillPlace } from '../../drills/place.ts';
import { asAssertion, notOneRow, refusedQuery, tookTooLong } from '../assertion.ts';
import type { OperationContext, Rehearsal, RestoreSource, StreamOpener } from '../driver.ts';
import { connect, explained, type MysqlServer, type Session } from './connect.ts';
import { createAccounts, DEFINER } from './drill-accounts.ts';
import { chooseServer, findServers, serverDirectories, startDrillServer } from './drill-server.ts';
import { type Flavour, PRODUCT, series } from './flavour.ts';
import { quoteIdent } from './quote.ts';
import { type MysqlRequirements, parseRequirements } from './requirements.ts';
import { restore } from './restore.ts';

interface Rehearsing {
  flavour: Flavour;
  source: RestoreSource;
  open: StreamOpener;
  /** Where programs of servers are looked for. */
  directories: readonly string[];
}

/** Error numbers whose messages speak of the query, not of rows: syntax and names, missing rights. */
const TELLING = new Set([1044, 1052, 1054, 1060, 1064, 1109, 1142, 1143, 1146, 1248, 1305, 1370, 1792]);
/** A statement's time is up: MySQL, MariaDB. */
const TIMED_OUT = new Set([3024, 1969]);

/** Restores a snapshot on a server made for that. */
export async function rehearse(
  place: DrillPlace,
  input: Rehearsing,
  context: OperationContext,
): Promise<Rehearsal> {
  const { flavour, open, source } = input;
  const { signal } = context;
  const needs = parseRequirements(source.catalog.requirements);
  const servers = await findServers(serverDirectories(input.directories), signal);
  const binary = chooseServer(servers, flavour, needs.serverVersion);
  context.phase('starting a disposable server');
  const admin = await startDrillServer(place, binary);
  const { database } = needs;
  const accounts = await createAccounts(admin, { database, flavour, signal }).catch((error) => {
    throw notPrepared(explained(error, admin, signal));
  });
  const mapping = needs.definers.length > 0 ? ({ owners: 'map', mapTo: DEFINER } as const) : undefined;
  const report = await restore({
    server: accounts.owner,
    flavour,
    plan: { mode: 'new', targetDatabase: database, endSessions: false, ...(mapping ?? { owners: 'keep' }) },
    source,
    open,
    context,
  });
  context.log(`Restored on a disposable ${PRODUCT[flavour]} ${series(binary.versionNumber)} server.`);
  const session = await connect(accounts.owner, flavour, { signal, database: report.database });
  return {
    serverVersion: session.version,
    // Events never ran here, and definers are of no account that is anybody's.
    notes: report.notes.filter((note) => !/^Events are disabled|stands in for/.test(note)),
    count: ({ name }) => countRows(session, report.database, { name, needs }),
    ask: (query, timeoutMs) =>
      ask(accounts.reader, { query, timeoutMs, signal, flavour, database: report.database }),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** Nothing of the snapshot has been looked at yet: it is no fault of its. */
function notPrepared({ failure, cause }: FailureError): FailureError {
  if (failure.code === 'cancelled') return new FailureError(failure, { cause });
  return fail(
    'drill_not_possible',
    `The disposable server cannot be made ready for this database: ${failure.message}`,
    'Restore the snapshot to a new database to see whether it is good.',
    { cause },
  );
}

async function countRows(
  session: Session,
  database: string,
  { name, needs }: { name: string; needs: MysqlRequirements },
): Promise<number | null> {
  const [table] = await session.rows<{ type: string }>(
    'SELECT TABLE_TYPE AS type FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?',
    [database, name],
  );
  if (!table || table.type.includes('VIEW')) return null;
  const history = needs.features.history && table.type === 'SYSTEM VERSIONED' ? ' FOR SYSTEM_TIME ALL' : '';
  const [row] = await session.rows<{ count: string | number }>(
    `SELECT COUNT(*) AS count FROM ${quoteIdent(database)}.${quoteIdent(name)}${history}`,
  );
  return Number(row?.count ?? 0);
}

interface Question {
  query: string;
  timeoutMs: number;
  signal: AbortSignal;
  flavour: Flavour;
  database: string;
}

async function ask(server: MysqlServer, question: Question): Promise<unknown> {
  const { database, flavour, query, signal, timeoutMs } = question;
  await using session = await connect(server, flavour, { signal, database });
  try {
    await session.run(
      flavour === 'mysql'
        ? `SET SESSION max_execution_time = ${Math.round(timeoutMs)}`
        : `SET SESSION max_statement_time = ${timeoutMs / 1000}`,
    );
    await session.run('START TRANSACTION READ ONLY');
    const rows = await session.rows(asAssertion(query));
    const [row] = rows;
    if (row && rows.length === 1) return Object.values(row)[0];
    throw notOneRow(rows.length, 'COUNT(*)');
  } catch (error) {
    signal.throwIfAborted();
    throw told(error, timeoutMs);
  }
}

/** Without the server's words, unless they can only be about the query: others quote values. */
function told(error: unknown, timeoutMs: number) {
  const { errno, sqlMessage } =
    error instanceof FailureError ? ((error.cause ?? {}) as { errno?: number; sqlMessage?: string }) : {};
  if (errno === undefined) return error;
  if (TIMED_OUT.has(errno)) return tookTooLong(timeoutMs);
  return refusedQuery(`error ${errno}`, TELLING.has(errno) ? String(sqlMessage) : undefined);
}
