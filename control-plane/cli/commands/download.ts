import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { fail } from '../../../protocol/failure.ts';
import { EXIT, Quit } from '../exit.ts';
import { refuseExisting, writeNewFile } from '../new-file.ts';
import { snapshotCalled } from '../remote/resolve.ts';
import type { Snapshot } from '../remote/shapes.ts';
import { say } from '../say.ts';
import { bytes } from '../text.ts';
import { connect } from './session.ts';

/** `download`. */
export function addDownloadCommand(root: Command): void {
  root
    .command('download')
    .description('fetch a snapshot as the engine’s native dump, for its stock tools')
    .argument('<snapshot>', 'id; with --of also “latest” or a number')
    .option('--of <database>', 'the database it is of: id, name or server/database')
    .option(
      '--out <file>',
      'where to put it; - is standard output (default: a name made of server and database)',
    )
    .action(download);
}

async function download(wanted: string, { of, out }: { of?: string; out?: string }): Promise<void> {
  if (out === '-' && process.stdout.isTTY)
    throw fail('invalid_input', 'A dump is not for a terminal.', 'Pipe it: … --out - | the tool.');
  const target = out === undefined || out === '-' ? undefined : resolve(out);
  if (target !== undefined) await refuseExisting(target); // before anything is fetched
  const client = await connect();
  const snapshot = await snapshotCalled(client, wanted, of);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort(new Quit(EXIT.interrupted));
  process.once('SIGINT', interrupt);
  try {
    const response = await client.open(`/snapshots/${snapshot.id}/download`, {
      signal: interrupted.signal,
    });
    const promised = response.headers.get('content-length');
    const dump = checked(response.body, promised === null ? undefined : Number(promised));
    if (out === '-') return await toOutput(dump);
    const path = target ?? resolve(nameFrom(response.headers.get('content-disposition'), snapshot));
    await writeNewFile(dump, path);
    say(`${path}: ${bytes((await stat(path)).size)}, complete.`);
  } catch (error) {
    interrupted.signal.throwIfAborted();
    throw error;
  } finally {
    process.off('SIGINT', interrupt);
    // Whatever was not read is not wanted any more.
    interrupted.abort(new Quit(EXIT.interrupted));
  }
}

/** The dump, proved whole: it breaks off loudly, and has the length that was promised. */
async function* checked(
  body: ReadableStream<Uint8Array>,
  promised: number | undefined,
): AsyncGenerator<Uint8Array> {
  let length = 0;
  try {
    for await (const part of body) {
      length += part.length;
      yield part;
    }
  } catch (cause) {
    throw incomplete(length, promised, cause);
  }
  if (promised !== undefined && length !== promised) throw incomplete(length, promised, undefined);
}

function incomplete(length: number, promised: number | undefined, cause: unknown) {
  return fail(
    'control_plane_unreachable',
    `The download broke off: ${length} of ${promised ?? 'unknown'} bytes came.`,
    'Nothing was kept. Try again; if it happens again, the control plane’s log says why.',
    { retryable: true, cause },
  );
}

async function toOutput(dump: AsyncIterable<Uint8Array>): Promise<void> {
  process.exitCode = EXIT.failed; // a reader that goes away ends us with this: it has not got the whole
  for await (const part of dump)
    await new Promise<void>((done, broken) => {
      process.stdout.write(part, (error) => (error ? broken(error) : done()));
    });
  process.exitCode = EXIT.ok;
}

/** The plain name that the control plane proposes, if it is one; it does not choose where we write. */
function nameFrom(disposition: string | null, { id, sequence }: Snapshot): string {
  const proposed = /filename="([A-Za-z0-9_][A-Za-z0-9._-]{0,200})"/.exec(disposition ?? '')?.[1];
  return join('.', basename(proposed ?? `snapshot-${sequence}-${id}.dump`));
}
