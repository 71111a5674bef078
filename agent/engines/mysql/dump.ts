import type { TableSelection } from '../../../protocol/selection.ts';
import { inLargeWrites, type RunningTool, startTool } from '../../process.ts';
import type { DumpResult, OperationContext, StreamSink } from '../driver.ts';
import { ToolError } from '../errors.ts';
import { listed } from '../words.ts';
import { type Catalogue, changes, countKinds, readCatalogue } from './catalogue.ts';
import { connect, explained, type MysqlServer, type Session } from './connect.ts';
import { DumpInspector, incomplete } from './dump-inspector.ts';
import { type DumpPart, dumpParts } from './dump-parts.ts';
import { type Flavour, PRODUCT } from './flavour.ts';
import { hidden, readGrants } from './grants.ts';
import { type ToolLogin, toolLogin } from './option-file.ts';
import { readRequirements } from './requires.ts';
import { applySelection } from './selection.ts';
import { elsewhere } from './storage-engines.ts';
import { chooseTool, type MysqlTool, toolLabel } from './tools.ts';
import { assertDumpable } from './undumpable.ts';

interface Dumping {
  server: MysqlServer;
  flavour: Flavour;
  database: string;
  selection: TableSelection;
  tools: readonly MysqlTool[];
  sink: StreamSink;
  context: OperationContext;
}

/** Dumps one database as SQL, proved whole against what the server says it holds before and after. */
export async function dump(input: Dumping): Promise<DumpResult> {
  const { database, flavour, context, sink } = input;
  await using session = await connect(input.server, flavour, { signal: context.signal, database });
  const tool = chooseTool(input.tools, { kind: 'dump', flavour, version: session.versionNumber });
  const catalogue = await readCatalogue(session, database);
  await assertDumpable(session, database, catalogue);
  for (const kind of hidden(await readGrants(session), session, database)) {
    context.log(`The account cannot see every ${kind}: those it cannot see are not in this backup.`);
  }
  const { excluded } = applySelection(catalogue, input.selection);
  const history = keepsHistory(catalogue, { session, tool });
  const inspector = new DumpInspector();
  context.phase('dumping');
  context.log(`${toolLabel(tool)} dumps “${database}” from ${PRODUCT[flavour]} ${session.version}.`);
  const parts = dumpParts({ tool, database, excluded, history });
  const child: Child = { ...input, tool, session, catalogue, excluded, parts, inspector, whole: false };
  await sink({ name: 'dump', format: 'mysqldump-sql' }, script(child));
  if (!child.whole) throw incomplete('what stores it stopped reading before its end');
  const { maxRowBytes } = inspector;
  const facts = { database, catalogue, tool, excluded, history, maxRowBytes };
  return {
    catalog: {
      tables: [...inspector.tables].map(([name, { rows, bytes }]) => ({ schema: '', name, rows, bytes })),
      objectCounts: inspector.counts,
      requirements: { ...(await readRequirements(session, facts)) },
    },
    serverVersion: session.version,
    tool: toolLabel(tool),
    options: {
      format: 'sql',
      'one-row-inserts': true,
      selection: excluded.length > 0 ? 'partial' : 'all',
      ...(history ? { history: true } : {}),
    },
  };
}

/** Server and tool that can put former rows of versioned tables back as well; both came with MariaDB 10.11. */
const HISTORY = 101_100;

/** Whether the former rows of system-versioned tables are dumped; there are none where there is no such table. */
export function keepsHistory(
  catalogue: Catalogue,
  { session, tool }: { session: Pick<Session, 'versionNumber'>; tool: MysqlTool },
): boolean {
  const versioned = catalogue.relations.some((one) => one.versioned);
  return versioned && session.versionNumber >= HISTORY && tool.versionNumber >= HISTORY;
}

interface Child extends Dumping {
  tool: MysqlTool;
  session: Session;
  catalogue: Catalogue;
  excluded: string[];
  parts: DumpPart[];
  inspector: DumpInspector;
  /** Set once the last byte was taken and the dump proved whole. */
  whole: boolean;
}

/** The tool's output; ends normally only if the dump is whole, so that no sink can take a broken one for good. */
async function* script(input: Child): AsyncGenerator<Uint8Array> {
  const { server, context, inspector } = input;
  try {
    for (const part of input.parts) {
      await using login = await toolLogin(server, input.session, part.options);
      yield* output(input, { login, part });
      inspector.finishPart();
    }
    await compare(input);
    input.whole = true;
  } catch (error) {
    throw explained(error, server, context.signal);
  }
}

async function* output(
  input: Child,
  { login, part }: { login: ToolLogin; part: DumpPart },
): AsyncGenerator<Uint8Array> {
  const { context, inspector, tool } = input;
  const { env, redact, room } = login;
  const args = [...login.args, ...part.args];
  const command = await inLargeWrites({ file: tool.path, args, env, room, redact });
  const child = startTool(command, context.signal);
  child.stdin.end();
  let ended = false;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      inspector.push(chunk);
      yield chunk;
    }
    await succeeded(child, input);
    ended = true;
  } finally {
    if (!ended) await child.stop(); // also when the sink stops reading
  }
}

async function succeeded(child: RunningTool, input: Child): Promise<void> {
  const exit = await child.exit;
  input.context.signal.throwIfAborted();
  if (exit.exitCode === 0 && exit.stderr.trim() === '') return;
  // Our own session tells a dead server from a query that failed, whatever the tool wrote.
  await input.session.rows('SELECT 1');
  throw new ToolError(toolLabel(input.tool), exit);
}

/** The dump against the catalogue, and the catalogue against itself at the beginning. */
async function compare({ session, database, catalogue, excluded, inspector }: Child): Promise<void> {
  const changed = changes(catalogue, await readCatalogue(session, database));
  if (changed.length > 0) {
    throw incomplete(`definitions changed while it was made: ${listed(changed)}`);
  }
  const expected = countKinds(catalogue);
  const kinds = [
    ...new Set([...Object.keys(expected), ...Object.keys(inspector.counts)]),
  ] as (keyof typeof expected)[];
  const different = kinds
    .filter((kind) => (expected[kind] ?? 0) !== (inspector.counts[kind] ?? 0))
    .map((kind) => `${kind}: ${inspector.counts[kind] ?? 0} dumped, ${expected[kind] ?? 0} in the catalogue`);
  if (different.length > 0) throw incomplete(different.join('; '));
  const out = new Set(excluded);
  const missing = catalogue.relations
    .filter((one) => one.kind === 'table' && !out.has(one.name) && !elsewhere(one.engine))
    .filter((one) => !inspector.tables.has(one.name))
    .map((one) => one.name);
  if (missing.length > 0) throw incomplete(`rows of ${listed(missing)} are missing`);
}
