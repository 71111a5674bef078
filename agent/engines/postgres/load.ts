import { pipeline } from 'node:stream/promises';
import type { OwnerChoice } from '../../../protocol/engines/engine.ts';
import { fail } from '../../../protocol/failure.ts';
import { type RunningTool, startTool, type ToolExit } from '../../process.ts';
import type { OperationContext } from '../driver.ts';
import { ToolError } from '../errors.ts';
import { ArchiveInspector, inspected, rewritten } from './archive.ts';
import { archiveCounts } from './catalogue.ts';
import { type PostgresServer, type Session, toolLogin } from './connect.ts';
import { archiveRewrite, type RoleMap } from './map-roles.ts';
import { conninfo } from './quote.ts';
import { type PostgresTool, toolLabel } from './tools.ts';

export interface Loading {
  server: PostgresServer;
  /** Empty database to fill. */
  database: string;
  /** The archive; its iterator throws where the bytes are not those of the snapshot. */
  body: AsyncIterable<Uint8Array>;
  /** Object counts the snapshot's catalog promises. */
  expected: Readonly<Record<string, number>>;
  owners: OwnerChoice;
  mapRole: RoleMap;
  /** Whether the archive switches triggers by names that only the backed-up database had. */
  switchesPartitions: boolean;
  tool: PostgresTool;
  target: Session;
  context: OperationContext;
}

/**
 * Settings that a newer pg_dump writes and an older server does not know. Only these statements may fail, and
 * only there; losing them changes nothing that is restored.
 */
const NEWER_SETTINGS = [
  { since: 17, name: 'transaction_timeout', statement: 'SET transaction_timeout = 0;' },
];

/** Fills a database from an archive with pg_restore; resolves only if all of it went in without an SQL error. */
export async function loadArchive(input: Loading): Promise<void> {
  const { server, context, tool } = input;
  await using login = await toolLogin(server, input.target.superuser);
  const child = startTool(
    {
      file: tool.path,
      args: toolArguments(input),
      env: login.env,
      room: login.room,
      redact: [server.password],
    },
    context.signal,
  );
  child.stdout.resume(); // it prints nothing there; a full pipe must not stop it
  const inspector = new ArchiveInspector();
  let fed = false;
  try {
    await feed(child, inspected(input.body, inspector), input);
    fed = true;
  } finally {
    if (!fed) await child.stop();
  }
  const exit = await child.exit;
  context.signal.throwIfAborted();
  await judge(exit, input);
  compare(input.expected, archiveCounts(inspector.contents.entries, inspector.blocks));
}

function toolArguments(input: Loading): string[] {
  const { host, port, user } = input.server.connection;
  return [
    '--format=custom',
    '--no-password',
    ...(tolerated(input).length > 0 ? [] : ['--exit-on-error']),
    ...(input.owners === 'none' ? ['--no-owner', '--no-acl'] : []),
    `--dbname=${conninfo({ host, port, user, dbname: input.database })}`,
  ];
}

function rewriting(body: AsyncGenerator<Uint8Array>, input: Loading): AsyncGenerator<Uint8Array> {
  if (input.owners !== 'map' && !input.switchesPartitions) return body;
  const role = input.owners === 'map' ? input.mapRole : (name: string) => name;
  return rewritten(body, archiveRewrite(role));
}

/** Writes the archive to the child. Reads the source to its end in any case: only then is it known to be whole. */
async function feed(child: RunningTool, body: AsyncGenerator<Uint8Array>, input: Loading): Promise<void> {
  const source = rewriting(body, input);
  let broken: { error: unknown } | undefined;
  const watched = async function* () {
    try {
      yield* source;
    } catch (error) {
      broken = { error };
      throw error;
    }
  };
  try {
    await pipeline(watched, child.stdin, { signal: input.context.signal });
  } catch (error) {
    if (broken) throw broken.error;
    input.context.signal.throwIfAborted();
    // The child stopped reading: it failed, and its own words tell why, or it needs no more.
    const exit = await child.exit;
    await judge(exit, input);
    throw fail(
      'restore_sql_error',
      `${toolLabel(input.tool)} stopped reading before the end of the dump.`,
      'The restored database was dropped again. Try again, or restore another snapshot.',
      {
        cause: error,
        detail: exit.stderr,
      },
    );
  }
}

async function judge(exit: ToolExit, input: Loading): Promise<void> {
  const unknown = unknownLines(exit.stderr, tolerated(input));
  const clean =
    exit.exitCode === 0 || (exit.exitCode === 1 && tolerated(input).length > 0 && exit.stderr !== '');
  if (clean && !exit.stderrCut && unknown.length === 0) return;
  await input.target.rows('SELECT 1'); // a dead server is the better explanation
  throw new ToolError(toolLabel(input.tool), exit);
}

function tolerated(input: Loading) {
  return NEWER_SETTINGS.filter(({ since }) => input.tool.major >= since && input.target.major < since);
}

function unknownLines(stderr: string, settings: typeof NEWER_SETTINGS): string[] {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const unknown: string[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const next = lines[at + 1] ?? '';
    const known = settings.some(
      (one) => line.includes(`"${one.name}"`) && next === `Command was: ${one.statement}`,
    );
    if (known) at += 1;
    else if (!(settings.length > 0 && /^pg_restore: warning: errors ignored on restore: \d+$/.test(line)))
      unknown.push(line);
  }
  return unknown;
}

function compare(expected: Readonly<Record<string, number>>, found: Record<string, number>): void {
  const kinds = new Set([...Object.keys(expected), ...Object.keys(found)]);
  const different = [...kinds].filter((kind) => (expected[kind] ?? 0) !== (found[kind] ?? 0));
  if (different.length === 0) return;
  throw fail(
    'manifest_invalid',
    `The dump and the snapshot’s catalog differ in ${different.join(', ')}.`,
    'Do not trust this snapshot. Restore another one.',
  );
}
