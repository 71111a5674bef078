import { randomUUID } from 'node:crypto';
import { chown, mkdir, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { fail, toFailure } from '../../protocol/failure.ts';
import type { Log } from '../log.ts';
import { type RunningTool, startTool, type ToolCommand, type ToolExit } from '../process.ts';
import { readState, removeDurable, writeDurable } from '../state/durable.ts';
import { type Account, drillAccount } from './account.ts';
import { withoutNetwork } from './confine.ts';
import { endProcessesIn } from './processes.ts';
import { requireSpace, watchSpace } from './space.ts';

/** A path of a unix socket has 107 bytes; what is below the directory takes some. */
const MAX_DIRECTORY_BYTES = 80;
const recordSchema = z.object({ directory: z.string().startsWith('/') });

/**
 * A private directory for one disposable server and all it makes. Once it is disposed of, nothing that runs in it and
 * nothing in it is left.
 */
export interface DrillPlace extends AsyncDisposable {
  readonly directory: string;
  /** Whether what runs here has no network at all. */
  readonly isolated: boolean;
  /** Aborted when the operation is, or when the disk fills up. */
  readonly signal: AbortSignal;
  /** Writes a file that the server's user alone can read; gives its path. */
  write(name: string, content: string): Promise<string>;
  /** Makes a folder of the server's user; gives its path. */
  folder(name: string): Promise<string>;
  /** Runs a program as the server's user to its end. */
  run(file: string, args: readonly string[]): Promise<ToolExit>;
  /** Starts a server; it yields to everything else on the host. */
  serve(file: string, args: readonly string[]): RunningTool;
}

/** Where disposable servers are, and what is known of them. */
export interface DrillGround {
  /** @throws FailureError `drill_not_possible` | `disk_full` */
  open(dumpBytes: number, signal: AbortSignal): Promise<DrillPlace>;
  /** Ends and removes what drills of a killed agent left. Never rejects. */
  clear(log: Log): Promise<void>;
}

/**
 * @param base directory in which places are made. Where they are is noted in the state directory before they exist, so
 * that an agent that was killed finds them again.
 */
export function createDrillGround(stateDir: string, base: string): DrillGround {
  const records = join(stateDir, 'drills');
  const recordOf = (id: string) => join(records, `${id}.json`);

  async function remove(id: string, directory: string): Promise<void> {
    await endProcessesIn(directory);
    await rm(directory, { recursive: true, force: true });
    await removeDurable(recordOf(id));
  }

  return {
    async open(dumpBytes, signal) {
      if (process.platform !== 'linux')
        throw fail(
          'drill_not_possible',
          `Drills start a server of their own, which Homeport does on Linux only; this host runs ${os.type()}.`,
          'Restore the snapshot to a new database to see whether it is good.',
        );
      const account = await drillAccount();
      // Another user than ours has to get through.
      await mkdir(base, { recursive: true, mode: account ? 0o711 : 0o700 });
      const id = randomUUID();
      const directory = join(await realpath(base), `homeport-drill-${id.slice(0, 8)}`);
      if (Buffer.byteLength(directory) > MAX_DIRECTORY_BYTES) throw tooDeep(directory);
      await requireSpace(base, dumpBytes);
      await writeDurable(recordOf(id), JSON.stringify({ directory }));
      await mkdir(directory, { mode: 0o700 }).catch(async (error) => {
        await removeDurable(recordOf(id)); // what is there is not ours to remove
        throw error;
      });
      try {
        return await furnish(directory, { account, signal, remove: () => remove(id, directory) });
      } catch (error) {
        await remove(id, directory);
        throw error;
      }
    },
    async clear(log) {
      const names = await readdir(records).catch(() => []);
      for (const name of names.filter((one) => one.endsWith('.json'))) {
        try {
          const record = await readState(join(records, name), recordSchema);
          if (record) await remove(name.slice(0, -'.json'.length), record.directory);
          log.info({ directory: record?.directory }, 'removed what an interrupted drill left');
        } catch (error) {
          log.error({ failure: toFailure(error) }, 'what an interrupted drill left could not be removed');
        }
      }
    },
  };
}

async function furnish(
  directory: string,
  made: { account: Account | undefined; signal: AbortSignal; remove: () => Promise<void> },
): Promise<DrillPlace> {
  const { account } = made;
  const own = async (path: string) => {
    if (account) await chown(path, account.uid, account.gid);
    return path;
  };
  await own(directory);
  const full = new AbortController();
  const signal = AbortSignal.any([made.signal, full.signal]);
  const unwatch = watchSpace(directory, (reason) => full.abort(reason));
  const confined = await withoutNetwork(directory, account, signal).catch(() => undefined);
  const command = (file: string, args: readonly string[]): ToolCommand => {
    const [first = file, ...rest] = [...(confined?.prefix ?? []), file, ...args];
    return { file: first, args: rest, room: { directory }, account: confined ? confined.account : account };
  };
  return {
    directory,
    isolated: confined !== undefined,
    signal,
    async write(name, content) {
      const path = join(directory, name);
      await writeFile(path, content, { mode: 0o600, flag: 'wx' });
      return own(path);
    },
    async folder(name) {
      const path = join(directory, name);
      await mkdir(path, { mode: 0o700 });
      return own(path);
    },
    async run(file, args) {
      const child = startTool(command(file, args), signal);
      child.stdin.end();
      child.stdout.resume();
      const exit = await child.exit;
      signal.throwIfAborted();
      return exit;
    },
    serve(file, args) {
      const child = startTool(command(file, args), signal);
      child.stdin.end();
      child.stdout.resume();
      yieldToOthers(child.pid);
      return child;
    },
    async [Symbol.asyncDispose]() {
      unwatch();
      await made.remove();
    },
  };
}

/** What the host does besides goes first, and where memory runs out the drill ends. */
function yieldToOthers(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    os.setPriority(pid, os.constants.priority.PRIORITY_LOW);
  } catch {
    // A confined service may not; the server then runs like any other.
  }
  writeFile(`/proc/${pid}/oom_score_adj`, '1000').catch(() => {}); // the same
}

function tooDeep(directory: string) {
  return fail(
    'drill_not_possible',
    `The path ${directory} is too long for the unix socket of a disposable server.`,
    'Name a directory with a shorter path as “drill_directory” in the agent’s configuration file.',
  );
}
