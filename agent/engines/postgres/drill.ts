import { FailureError, fail } from '../../../protocol/failure.ts';
import type { DrillPlace } from '../../drills/place.ts';
import type { OperationContext, Rehearsal, RestoreSource, StreamOpener, TableName } from '../driver.ts';
import type { TocEntry } from './archive-toc.ts';
import { watchWork } from './at-work.ts';
import { connect, explained, type PostgresServer, type Session } from './connect.ts';
import { ask } from './drill-ask.ts';
import { chooseServer, findServers, startDrillServer } from './drill-server.ts';
import { DRILL_DATABASE, prepareWorld } from './drill-world.ts';
import { quoteIdent } from './quote.ts';
import { type PostgresRequirements, parseRequirements } from './requirements.ts';
import { restore } from './restore.ts';
import type { PostgresTool } from './tools.ts';

interface Rehearsing {
  source: RestoreSource;
  open: StreamOpener;
  tools: readonly PostgresTool[];
  /** Where programs of servers are looked for. */
  directories: readonly string[];
}

/** What only a superuser can make. It holds no rows. */
const SUPERUSERS = [
  'EVENT TRIGGER',
  'PUBLICATION',
  'PUBLICATION TABLE',
  'PUBLICATION TABLES IN SCHEMA',
  'SUBSCRIPTION',
  'SUBSCRIPTION TABLE',
];

/** From here on pg_dump begins with a setting that older servers do not know. */
const NEWER = 17;

/** Restores a snapshot on a server made for that. */
export async function rehearse(
  place: DrillPlace,
  input: Rehearsing,
  context: OperationContext,
): Promise<Rehearsal> {
  const { directories, open, source, tools } = input;
  const needs = parseRequirements(source.catalog.requirements);
  const major = Math.max(needs.serverMajor, needs.dumpMajor >= NEWER ? needs.dumpMajor : 0);
  const binaries = chooseServer(await findServers(directories, context.signal), major);
  context.phase('starting a disposable server');
  const admin = await startDrillServer(place, binaries);
  const roles = await prepareWorld(place, admin, needs).catch((error) => {
    throw notPrepared(explained(error, admin, context.signal));
  });
  const lesser: PostgresRequirements = { ...needs, hasEventTriggers: false };
  const left = new Set<string>();
  const report = await restore({
    server: roles.owner,
    plan: { mode: 'in-place', targetDatabase: DRILL_DATABASE, owners: 'none', endSessions: false },
    source: { ...source, catalog: { ...source.catalog, requirements: lesser } },
    open,
    tools,
    context,
    leaveOut: (entry) => leavesOut(entry, left),
  });
  context.log(`Restored on a disposable PostgreSQL ${binaries.major} server.`);
  await grantReading(roles, context.signal);
  const counting = await connect(roles.owner, DRILL_DATABASE, context.signal);
  const watching = await connect(admin, 'postgres', context.signal);
  const watch = watchWork(watching, DRILL_DATABASE, { context });
  return {
    serverVersion: counting.version,
    notes: [
      ...(left.size > 0
        ? [`Left out, since only a superuser can make it: ${[...left].sort().join(', ').toLowerCase()}.`]
        : []),
      ...report.notes.filter((note) => !note.startsWith('Owners and grants')),
    ],
    count: (table) => countRows(counting, table),
    ask: (query, timeoutMs) => ask(roles.reader, { query, timeoutMs, signal: context.signal }),
    async [Symbol.asyncDispose]() {
      await watch[Symbol.asyncDispose]();
      await counting[Symbol.asyncDispose]();
      await watching[Symbol.asyncDispose]();
    },
  };
}

/** Comments and the like on what is left out are left out with it. */
function leavesOut({ desc, tag }: TocEntry, left: Set<string>): boolean {
  const kind = SUPERUSERS.find((one) => desc === one || tag.startsWith(`${one} `));
  if (kind === undefined || (kind !== desc && !['COMMENT', 'SECURITY LABEL'].includes(desc))) return false;
  left.add(kind.replace(/ TABLES? .*| TABLE$/, ''));
  return true;
}

/** Nothing of the snapshot has been looked at yet: it is no fault of its. */
function notPrepared({ failure, cause }: FailureError): FailureError {
  if (['cancelled', 'drill_not_possible', 'disk_full'].includes(failure.code))
    return new FailureError(failure, { cause });
  return fail(
    'drill_not_possible',
    `The disposable server cannot be made ready for this database: ${failure.message}`,
    'Install what it lacks (extensions, locales) on the agent’s host.',
    { cause, ...(failure.detail === undefined ? {} : { detail: failure.detail }) },
  );
}

async function grantReading(
  { owner, reader }: { owner: PostgresServer; reader: PostgresServer },
  signal: AbortSignal,
): Promise<void> {
  await using session = await connect(owner, DRILL_DATABASE, signal);
  const schemas = await session.rows<{ name: string }>(
    `SELECT nspname AS name FROM pg_namespace WHERE pg_has_role(nspowner, 'USAGE') AND nspname !~ '^pg_'`,
  );
  const role = quoteIdent(reader.connection.user);
  for (const { name } of schemas) {
    const schema = quoteIdent(name);
    await session.run(`GRANT USAGE ON SCHEMA ${schema} TO ${role}`);
    for (const kind of ['TABLES', 'SEQUENCES'])
      await session.run(`GRANT SELECT ON ALL ${kind} IN SCHEMA ${schema} TO ${role}`);
  }
}

/** As pg_dump took them: of each table its own rows, those of its children apart. */
async function countRows(session: Session, { name, schema }: TableName): Promise<number | null> {
  const [table] = await session.rows(
    `SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE nspname = $1 AND relname = $2 AND relkind IN ('r', 'p')`,
    [schema, name],
  );
  if (!table) return null;
  const [row] = await session.rows<{ rows: string }>(
    `SELECT count(*) AS rows FROM ONLY ${quoteIdent(schema)}.${quoteIdent(name)}`,
  );
  return Number(row?.rows ?? 0);
}
