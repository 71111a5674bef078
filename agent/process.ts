import { createHash } from 'node:crypto';
import { access, chmod, constants, lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';

/** How long a child may take to end after SIGTERM before SIGKILL, in milliseconds. */
const GRACE_MS = 5_000;
/** How much of a child's stderr is kept: its last bytes. */
const STDERR_BYTES = 16 * 1024;
/** Kept besides, so that a secret at the cut is still seen whole and redacted. */
const MARGIN_BYTES = 1024;

/** The directories of PATH that are absolute: where this host keeps its programs. */
export function programDirectories(): string[] {
  return (process.env.PATH ?? '').split(':').filter((directory) => directory.startsWith('/'));
}

/** A private directory (0700) for one child: its HOME and its secret files; removed on dispose. */
export interface SecretRoom extends AsyncDisposable {
  readonly directory: string;
  /** Path of a file given to {@link openSecretRoom}. */
  path(name: string): string;
}

/** Rooms carry their machine and process in their names, so that those of the dead can be told. */
const ROOM = `homeport-room-${createHash('sha256').update(hostname()).digest('hex').slice(0, 8)}-`;
let swept: Promise<void> | undefined;

/**
 * Makes a {@link SecretRoom} that holds `files` (name → content), each 0600. The first one of a process removes
 * what agents that were killed left behind: passwords must not outlive them.
 */
export async function openSecretRoom(files: Record<string, string>): Promise<SecretRoom> {
  swept ??= removeAbandonedRooms();
  await swept;
  const directory = await mkdtemp(join(tmpdir(), `${ROOM}${process.pid}-`));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    await chmod(directory, 0o700);
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(directory, name), content, { mode: 0o600 });
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return { directory, path: (name) => join(directory, name), [Symbol.asyncDispose]: remove };
}

async function removeAbandonedRooms(): Promise<void> {
  const started = Date.now() - process.uptime() * 1000;
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(ROOM) ? Number.parseInt(name.slice(ROOM.length), 10) : Number.NaN;
    if (Number.isNaN(pid)) continue;
    const path = join(tmpdir(), name);
    const found = await lstat(path).catch(() => undefined); // removed by its owner meanwhile
    if (!found?.isDirectory() || found.uid !== process.getuid?.()) continue;
    // In containers the new agent often has the number of the old one.
    const abandoned = pid === process.pid ? found.birthtimeMs < started : !isRunning(pid);
    if (abandoned) await rm(path, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** A program to run: no shell, nothing of our environment but PATH. Never put a secret into `args` or `env`. */
export interface ToolCommand {
  file: string;
  args: readonly string[];
  env?: Record<string, string>;
  /** Its directory is the child's HOME and where it runs. */
  room: Pick<SecretRoom, 'directory'>;
  /** Who the child runs as, if not as we do; only root may choose. */
  account?: { uid: number; gid: number } | undefined;
  /** Strings that must not show up in what we keep of stderr. */
  redact?: readonly string[];
}

export interface ToolExit {
  /** `null` where a signal ended it. */
  exitCode: number | null;
  signal: string | null;
  /** Last 16 KiB of stderr, redacted. */
  stderr: string;
  /** Whether it wrote more to stderr than was kept: then `stderr` must not be judged as the whole of it. */
  stderrCut: boolean;
}

/** A running child in its own process group. */
export interface RunningTool {
  /** Undefined where it could not be started. */
  readonly pid: number | undefined;
  readonly stdout: Readable;
  readonly stdin: Writable;
  /** Resolves when the child has ended, however it ended; rejects only if it could not be started. */
  readonly exit: Promise<ToolExit>;
  /** TERM to the whole group, KILL after a grace; safe to call twice. Resolves when the child has ended. */
  stop(): Promise<void>;
}

/** Whether there is a program at a path that this process may run. */
export function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The first of some programs that one of the directories has. */
export async function findProgram(
  names: readonly string[],
  directories: readonly string[] = programDirectories(),
): Promise<string | undefined> {
  for (const path of directories.flatMap((directory) => names.map((name) => join(directory, name))))
    if (await isProgram(path)) return path;
  return undefined;
}

/**
 * The command, writing its standard output 64 KiB at a time instead of stdio's 4: to read a dump of many small
 * writes takes three times as long. Where the host has no `stdbuf` (of the coreutils) the command stays as it is.
 */
export async function inLargeWrites(command: ToolCommand): Promise<ToolCommand> {
  const stdbuf = await findProgram(['stdbuf']);
  if (stdbuf) return { ...command, file: stdbuf, args: ['--output=64K', command.file, ...command.args] };
  return command;
}

/** Starts a child; aborting `signal` stops it and all it started. */
export function startTool(command: ToolCommand, signal: AbortSignal): RunningTool {
  const child = execa(command.file, command.args, {
    cwd: command.room.directory,
    env: {
      PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
      HOME: command.room.directory,
      LC_ALL: 'C',
      ...command.env,
    },
    extendEnv: false,
    detached: true,
    cleanup: false,
    buffer: false,
    encoding: 'buffer',
    reject: false,
    ...command.account,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const stderr = keepTail(child.stderr);
  const ended = child.then((result) => ({
    exitCode: result.exitCode ?? null,
    signal: result.signal ?? null,
    notStarted: child.pid === undefined ? result.cause : undefined,
  }));
  const stop = async () => {
    endGroup(child.pid, 'SIGTERM');
    const kill = setTimeout(() => endGroup(child.pid, 'SIGKILL'), GRACE_MS);
    await ended.finally(() => clearTimeout(kill));
  };
  const onAbort = () => void stop();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const exit = ended.then(({ exitCode, signal: endSignal, notStarted }) => {
    signal.removeEventListener('abort', onAbort);
    if (child.pid === undefined)
      throw new Error(`${command.file} could not be started`, { cause: notStarted });
    return { exitCode, signal: endSignal, ...stderr(command.redact ?? []) };
  });
  exit.catch(() => {}); // whoever awaits `exit` gets the rejection; nobody has to
  child.stdin.on('error', () => {}); // EPIPE when the child ends early; its exit status tells the story
  return { pid: child.pid, stdout: child.stdout, stdin: child.stdin, exit, stop };
}

/** Runs a child to its end and gives its stdout (at most 1 MiB, more is an error) with its exit. */
export async function runTool(
  command: ToolCommand,
  signal: AbortSignal,
): Promise<ToolExit & { stdout: string }> {
  const tool = startTool(command, signal);
  tool.stdin.end();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of tool.stdout as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > 1024 * 1024) {
      await tool.stop();
      throw new Error(`${command.file} printed more than 1 MiB`);
    }
    chunks.push(chunk);
  }
  return { ...(await tool.exit), stdout: Buffer.concat(chunks).toString('utf8') };
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function keepTail(stream: Readable): (secrets: readonly string[]) => Pick<ToolExit, 'stderr' | 'stderrCut'> {
  let tail = Buffer.alloc(0);
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    tail = Buffer.concat([tail, chunk]).subarray(-STDERR_BYTES - MARGIN_BYTES);
  });
  return (secrets) => {
    const stderrCut = size > STDERR_BYTES;
    return { stderr: redacted(tail.toString('utf8'), secrets).slice(-STDERR_BYTES), stderrCut };
  };
}

function redacted(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length > 0)
    .reduce((clean, secret) => clean.replaceAll(secret, '[redacted]'), text);
}
