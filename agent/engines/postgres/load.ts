import { pipeline } from 'node:stream/promises';
import type { OwnerChoice } from '../../../protocol/engines/engine.ts';
import { fail } from '../../../protocol/failure.ts';
import { type RunningTool, startTool, type ToolExit } from '../../process.ts';
import type { OperationContext } from '../driver.ts';
import { ToolError } from '../errors.ts';
import { ArchiveInspector } from './archive.ts';
import { heldBack, inspected, rewritten } from './archive-stream.ts';
import type { ArchiveRewrite, EntryRewrite, TocEntry } from './archive-toc.ts';
import { archiveCounts } from './catalogue.ts';
import { withoutCleanUp } from './clean-up.ts';
import { type PostgresServer, type Session, toolLogin } from './connect.ts';
import { archiveRewrite, type RoleMap } from './map-roles.ts';
import { conninfo } from './quote.ts';
import { type PostgresTool, toolLabel } from './tools.ts';
import { withholdRows } from './withhold-rows.ts';

export interface Loading {
  server: PostgresServer;
  /** Database to fill; empty, unless `atomic` says how it gets so. */
  database: string;
  atomic?: Atomic;
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

/** How a database that is not empty is filled: in one transaction, which begins with SQL of ours. */
export interface Atomic {
  prologue: NonNullable<ArchiveRewrite['prologue']>;
  /** Whether an entry is left out, since what it would make stays. Asked in the archive's order. */
  passOver: (entry: TocEntry) => boolean;
  applicationName: string;
  /** Resolves once the transaction has begun and its number is known. */
  begun: () => Promise<void>;
  /** Told how pg_restore ended, before that is judged. */
  ended: (exit: ToolExit) => void;
}

/**
 * Settings that a newer pg_dump writes and an older server does not know. Only these statements may fail, and
 * only there; losing them changes nothing that is restored.
 */
const NEWER_SETTINGS = [
  { since: 17, name: 'transaction_timeout', statement: 'SET transaction_timeout = 0;' },
];

/** What a server may say about what it did restore. */
const KNOWN_WARNINGS = [
  /^pg_restore: WARNING: {2}wal_level is insufficient to publish logical changes$/,
  /^HINT: {2}Set wal_level to "?logical"? before creating subscriptions\.$/,
];

/** Fills a database from an archive with pg_restore; resolves only if all of it went in without an SQL error. */
export async function loadArchive(input: Loading): Promise<void> {
  const { server, context, tool } = input;
  await using login = await toolLogin(server, input.target.superuser);
  const child = startTool(
    {
      file: tool.path,
      args: toolArguments(input),
      env: { ...login.env, ...(input.atomic ? { PGAPPNAME: input.atomic.applicationName } : {}) },
      room: login.room,
      redact: [server.password],
    },
    context.signal,
  );
  child.stdout.resume(); // it prints nothing there; a full pipe must not stop it
  let fed = false;
  try {
    await feed(child, input);
    fed = true;
  } finally {
    if (!fed) await child.stop();
    input.atomic?.ended(await child.exit);
  }
  const exit = await child.exit;
  context.signal.throwIfAborted();
  await judge(exit, input);
}

function toolArguments(input: Loading): string[] {
  const { host, port, user } = input.server.connection;
  return [
    '--format=custom',
    '--no-password',
    ...(input.atomic ? ['--single-transaction'] : []),
    ...(tolerated(input).length > 0 ? [] : ['--exit-on-error']),
    ...(input.owners === 'none' ? ['--no-owner', '--no-acl'] : []),
    `--dbname=${conninfo({ host, port, user, dbname: input.database })}`,
  ];
}

/** The archive as the child gets it: proved whole, and what the catalog promises, before its last piece goes out. */
function prepared(input: Loading, child: RunningTool): AsyncGenerator<Uint8Array> {
  const inspector = new ArchiveInspector();
  const accept = async () => {
    compare(input.expected, archiveCounts(inspector.contents.entries, inspector.blocks));
    if (!input.atomic) return;
    const begun = Promise.race([input.atomic.begun(), child.exit]);
    begun.catch(() => {}); // where nobody waits for it
    // Without data, what is held back is of the table of contents: nothing can begin before it.
    if (inspector.blocks.length > 0) await begun;
  };
  return heldBack(rewriting(inspected(input.body, inspector), input), accept);
}

function rewriting(body: AsyncGenerator<Uint8Array>, input: Loading): AsyncGenerator<Uint8Array> {
  if (input.owners !== 'map' && !input.switchesPartitions && !input.atomic) return body;
  const role = input.owners === 'map' ? input.mapRole : (name: string) => name;
  const exchange = archiveRewrite(role);
  const { atomic } = input;
  if (!atomic) return rewritten(body, { entry: exchange });
  const entry: EntryRewrite = (one, definition) =>
    atomic.passOver(one) ? { owner: '', definition: '' } : exchange(one, definition);
  return rewritten(body, { entry, prologue: atomic.prologue });
}

/** Writes the archive to the child. Reads the source to its end in any case: only then is it known to be whole. */
async function feed(child: RunningTool, input: Loading): Promise<void> {
  const source = prepared(input, child);
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
      'What the restore had made is gone again. Try again, or restore another snapshot.',
      {
        cause: error,
        detail: withholdRows(exit.stderr),
      },
    );
  }
}

async function judge(exit: ToolExit, input: Loading): Promise<void> {
  const words = input.atomic ? withoutCleanUp(exit.stderr) : exit.stderr;
  const unknown = unknownLines(withoutNotices(words, input.tool), tolerated(input));
  const clean =
    exit.exitCode === 0 || (exit.exitCode === 1 && tolerated(input).length > 0 && exit.stderr !== '');
  if (clean && !exit.stderrCut && unknown.length === 0) return;
  await input.target.rows('SELECT 1'); // a dead server is the better explanation
  // What is passed over is no reason, though it comes first.
  throw new ToolError(toolLabel(input.tool), { ...exit, stderr: unknown.join('\n') || words });
}

/** Before version 14 pg_restore prints what the server merely remarks, which newer ones keep to themselves. */
function withoutNotices(stderr: string, tool: PostgresTool): string {
  if (tool.major >= 14) return stderr;
  return stderr.replace(
    /^pg_restore: (?:WARNING|NOTICE|INFO|LOG): {2}.*\n(?:(?:DETAIL|HINT|CONTEXT): {2}.*\n)*/gm,
    '',
  );
}

function tolerated(input: Loading) {
  return NEWER_SETTINGS.filter(({ since }) => input.tool.major >= since && input.target.major < since);
}

function unknownLines(stderr: string, settings: typeof NEWER_SETTINGS): string[] {
  const lines = stderr
    .split('\n')
    .filter((line) => line.trim() !== '' && !KNOWN_WARNINGS.some((known) => known.test(line)));
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
