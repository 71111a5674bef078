import { Readable } from 'node:stream';
import { fail } from '../../../protocol/failure.ts';
import type { TableSelection } from '../../../protocol/selection.ts';
import type { SnapshotCatalog } from '../../../protocol/vault/manifest.ts';
import { type RunningTool, startTool } from '../../process.ts';
import type { DumpResult, OperationContext, StreamSink } from '../driver.ts';
import { ToolError } from '../errors.ts';
import { ArchiveInspector } from './archive.ts';
import { broken } from './archive-toc.ts';
import { archiveCounts, catalogueCounts, compareCounts } from './catalogue.ts';
import { connect, explained, type PostgresServer, type Session, toolLogin } from './connect.ts';
import { readGlobals } from './globals.ts';
import { withoutGreetings } from './greeting.ts';
import { conninfo } from './quote.ts';
import { readRequirements } from './requires.ts';
import { type Resolved, resolveSelection, selectionArguments, selectionFindings } from './selection.ts';
import { chooseTool, type PostgresTool, toolLabel } from './tools.ts';

/** A dump that waits longer than this for a table's lock gives up: it would hold all others meanwhile. */
const LOCK_WAIT_MS = 300_000;

/** Lines pg_dump may print without having left anything out that the preflight did not announce. */
const KNOWN_WARNINGS = [
  /^pg_dump: warning: subscriptions not dumped because current user is not a superuser$/,
];

interface Dumping {
  server: PostgresServer;
  database: string;
  selection: TableSelection;
  tools: readonly PostgresTool[];
  sink: StreamSink;
  context: OperationContext;
}

/** Dumps one database: the archive, proved whole against the catalogue of the same snapshot, and its globals. */
export async function dump(input: Dumping): Promise<DumpResult> {
  const { server, database, sink, context } = input;
  await using session = await connect(server, database, context.signal);
  const tool = chooseTool(input.tools, 'pg_dump', session.major);
  await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const [exported] = await session.rows<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot');
  const resolved = await resolveSelection(session, input.selection);
  refuseBroken(resolved);
  const expected = await catalogueCounts(session, resolved.withoutRows);
  const inspector = new ArchiveInspector();
  context.phase('dumping');
  context.log(`${toolLabel(tool)} dumps “${database}” from PostgreSQL ${session.version}.`);
  const snapshot = exported?.snapshot ?? '';
  const child: Child = { ...input, tool, session, snapshot, inspector, expected, resolved, whole: false };
  await sink({ name: 'dump', format: 'pg_dump-custom' }, archive(child));
  if (!child.whole) throw broken('What stores it stopped reading before its end.');
  context.phase('reading roles and settings');
  const roles = [...new Set(inspector.contents.entries.map((entry) => entry.owner).filter(Boolean))];
  const globals = await readGlobals(session, roles);
  const requirements = await readRequirements(session, {
    globals,
    owners: roles,
    dumpMajor: tool.major,
    leftOut: resolved.leftOut,
  });
  await sink(
    { name: 'globals', format: 'homeport-pg-globals' },
    Readable.from([Buffer.from(JSON.stringify(globals))]),
  );
  return {
    catalog: describe(inspector, requirements),
    serverVersion: session.version,
    tool: toolLabel(tool),
    options: {
      format: 'custom',
      compression: 'none',
      'role-passwords': session.superuser,
      selection: resolved.leftOut.length > 0 ? 'partial' : 'all',
    },
  };
}

/** A dump that cannot be restored is none. */
function refuseBroken(resolved: Resolved): void {
  const blocker = selectionFindings(resolved).find((finding) => finding.severity === 'blocker');
  if (blocker) throw fail('invalid_input', blocker.message, blocker.hint ?? '');
}

interface Child extends Dumping {
  tool: PostgresTool;
  session: Session;
  snapshot: string;
  inspector: ArchiveInspector;
  expected: Record<string, number>;
  resolved: Resolved;
  /** Set once the last byte was taken and the dump proved whole. */
  whole: boolean;
}

/** pg_dump's output; ends normally only if the dump is whole, so that no sink can take a broken one for good. */
async function* archive(input: Child): AsyncGenerator<Uint8Array> {
  const { server, database, tool, context, inspector } = input;
  await using login = await toolLogin(server, input.session.superuser);
  const { host, port, user } = server.connection;
  const args = [
    '--format=custom',
    '--compress=0',
    '--no-password',
    `--lock-wait-timeout=${LOCK_WAIT_MS}`,
    `--snapshot=${input.snapshot}`,
    ...selectionArguments(input.resolved),
    `--dbname=${conninfo({ host, port, user, dbname: database })}`,
  ];
  const child = startTool(
    { file: tool.path, args, env: login.env, room: login.room, redact: [server.password] },
    context.signal,
  );
  child.stdin.end();
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      inspector.push(chunk);
      yield chunk;
    }
    await succeeded(child, input);
    inspector.finish();
    compareCounts(input.expected, inspector.contents.entries, inspector.blocks);
    input.whole = true;
  } catch (error) {
    throw explained(error, server, context.signal);
  } finally {
    if (!input.whole) await child.stop(); // also when the sink stops reading
  }
}

async function succeeded(child: RunningTool, input: Child): Promise<void> {
  const exit = await child.exit;
  input.context.signal.throwIfAborted();
  const words = withoutGreetings(exit.stderr, input.session.greetings);
  const lines = words.split('\n').filter((line) => line.trim() !== '');
  const known = lines.filter((line) => KNOWN_WARNINGS.some((warning) => warning.test(line)));
  for (const line of known) input.context.log(line);
  if (exit.exitCode === 0 && !exit.stderrCut && lines.length === known.length) return;
  // Our own session tells a dead server from a query that failed, in whatever language the tool wrote.
  await input.session.rows('SELECT 1');
  throw new ToolError(toolLabel(input.tool), exit);
}

function describe(inspector: ArchiveInspector, requirements: Record<string, unknown>): SnapshotCatalog {
  const tables = inspector.blocks
    .filter((block) => block.entry.desc === 'TABLE DATA')
    .map((block) => ({
      schema: block.entry.namespace,
      name: block.entry.tag,
      rows: block.rows,
      bytes: block.bytes,
    }));
  return { tables, objectCounts: archiveCounts(inspector.contents.entries, inspector.blocks), requirements };
}
