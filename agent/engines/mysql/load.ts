import { setTimeout as delay } from 'node:timers/promises';
import { type FailureCode, FailureError, fail } from '../../../protocol/failure.ts';
import type { OperationContext } from '../driver.ts';
import { CheckOptions } from './check-option.ts';
import type { Session } from './connect.ts';
import { withTargetsEndOfTime } from './end-of-time.ts';
import { withholdValues } from './errors.ts';
import { quoteIdent } from './quote.ts';
import { DumpRewriter } from './rewrite.ts';
import type { Command, Made, RewriteTerms } from './rewrite-statement.ts';
import { withSignedZeros } from './signed-zero.ts';

/** Far below the shortest stall limit that makes sense, in milliseconds. */
const LOOK_MS = 20_000;

export interface Loading {
  /** A session that sends bytes; the dump's settings are made in it. */
  session: Session;
  /** Another one, to look whether the first is at work. */
  control: Session;
  /** The dump; its iterator throws where the bytes are not those of the snapshot. */
  body: AsyncIterable<Uint8Array>;
  terms: RewriteTerms;
  context: OperationContext;
}

/**
 * Fills a database from a dump, one statement after the other, each sent alone: the protocol then runs nothing that
 * hides behind it, and there is no client whose commands a dump could give. While the server runs one, the next is
 * made. Resolves only if all of it went in and the source proved whole.
 */
export async function load(input: Loading): Promise<Made> {
  const { session, context, terms } = input;
  await session.run('SET NAMES utf8mb4');
  await session.run(`USE ${Buffer.from(quoteIdent(terms.database)).toString('latin1')}`);
  await session.run(`SET SESSION sql_mode = ''`);
  const rewriter = new DumpRewriter(terms);
  const checked = new CheckOptions(session);
  await using _ = await watchWork(input);
  let running: Promise<unknown> = Promise.resolve();
  for await (const command of rewriter.commands(input.body)) {
    await running;
    context.signal.throwIfAborted();
    const sql = command.rows ? rowsFor(command.sql, terms) : command.sql;
    running = explaining(command, checked.run({ ...command, sql }));
    running.catch(() => {}); // met where it is awaited, also where the source fails first
  }
  await running;
  await checked.finish(refused);
  return rewriter.made;
}

/** An INSERT in the target’s own words. */
function rowsFor(sql: string, { target, maxStatement }: RewriteTerms): string {
  return target.flavour === 'mysql' ? withSignedZeros(sql, maxStatement) : withTargetsEndOfTime(sql, target);
}

const explaining = (command: Command, running: Promise<void>): Promise<void> =>
  running.catch((error: unknown) => Promise.reject(refused(error, command)));

/** “The user specified as a definer does not exist”. */
const NO_DEFINER = 1449;
const VIEW_HINT =
  'A view that uses functions or other views is made only if the account it runs as exists and may use them in this database. Create that account, grant it here what it holds on the backed-up database, or map definers to one that has it.';

/** Failures of the server's that are no verdict on a statement. */
const CIRCUMSTANCES: readonly FailureCode[] = ['cancelled', 'disk_full', 'server_gone', 'database_in_use'];

/** A statement's error, with its line and the server's words. */
function refused(error: unknown, command: Command): unknown {
  if (!(error instanceof FailureError)) return error;
  const { failure } = error;
  if (CIRCUMSTANCES.includes(failure.code)) return error;
  const words = withholdValues((error.cause as { message?: string } | undefined)?.message ?? failure.message);
  // “near '1,'x'),(2' at line 1” quotes the statement.
  const cause = command.rows ? words.replace(/(near ')[\s\S]*(' at line)/, '$1…$2') : words;
  const what = command.creates ? ` (${command.creates.what} “${command.creates.name}”)` : '';
  const options = { cause: error, detail: startOf(command) };
  const number = (error.cause as { errno?: number } | undefined)?.errno;
  if (failure.code === 'privilege_missing' || number === NO_DEFINER) {
    const hint = command.creates?.what === 'view' ? VIEW_HINT : failure.hint;
    return fail('privilege_missing', `Line ${command.line} of the dump${what}: ${cause}`, hint, options);
  }
  return fail(
    'restore_sql_error',
    `The server refused line ${command.line} of the dump${what}: ${cause}`,
    'Restore to a server of the version the backup came from, or another snapshot.',
    options,
  );
}

/** How a statement begins; of one that puts rows in, nothing of the rows. */
function startOf({ rows, sql }: Command): string {
  const shown = rows ? (/^[\s\S]*?\bVALUES\b/i.exec(sql)?.[0] ?? 'INSERT') : sql;
  const start = Buffer.from(shown.slice(0, 1000), 'latin1').toString('utf8').trim();
  return rows ? `${start} …` : start;
}

/** Tells the job that it goes on while the server is at work on our session's statement; waiting for locks is none. */
async function watchWork({ session, control, context }: Loading): Promise<AsyncDisposable> {
  const [row] = await session.rows<{ id: string }>('SELECT CONNECTION_ID() AS id');
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, context.signal]);
  const watch = async () => {
    for (;;) {
      await delay(LOOK_MS, undefined, { signal });
      const busy = await control.rows(
        `SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ? AND COMMAND = 'Query' AND STATE NOT LIKE 'Waiting%lock%'`,
        [row?.id],
      );
      if (busy.length > 0) context.working?.();
    }
  };
  // It ends by its signal, or with the session: then the job itself meets the error.
  const ended = watch().catch(() => {});
  return {
    async [Symbol.asyncDispose]() {
      over.abort();
      await ended;
    },
  };
}
