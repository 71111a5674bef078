import { writeFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fail } from '../../../protocol/failure.ts';
import { type RcloneProcess, type RcloneSetup, startRclone } from './rclone-process.ts';

/** A remote as rclone is told of it. */
export interface RcloneRemote {
  /** Of no meaning, and never used twice. */
  name: string;
  type: string;
  parameters: Record<string, string>;
  /** Whether passwords among them are as people type them; else as rclone’s own configuration has them. */
  plain: boolean;
  /** Text of files that parameters name, by parameter; not secret. */
  files?: Record<string, string>;
}

/** What rclone answered instead of doing it. */
export class RcloneError extends Error {
  override readonly name = 'RcloneError';
  /** As of HTTP: 404 where there is no such file or folder. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** One rclone for all vaults that need it. */
export interface Rclone {
  /** Asks for one of its commands, `operations/list` for instance, on a remote it is told of if need be. */
  call(remote: RcloneRemote, command: string, parameters: Record<string, unknown>): Promise<unknown>;
  /** Opens a file, or bytes `from` up to but not including `end` of it. @throws RcloneError */
  open(remote: RcloneRemote, at: { fs: string; file: string; range?: string }): Promise<IncomingMessage>;
  /** Lets it forget a remote. */
  forget(remote: RcloneRemote): Promise<void>;
  /** Process id of the one that runs, if one does. */
  pid(): Promise<number | undefined>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

interface Running {
  process: RcloneProcess;
  agent: Agent;
  /** What this process was told of, by name. */
  told: Map<string, Promise<unknown>>;
}

interface Asked {
  method: 'GET' | 'POST';
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

const LEAST_VERSION = [1, 60] as const;
/** Milliseconds within which the end of the process follows that of its lines. */
const END_MS = 1_000;
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/**
 * Runs rclone from the first time it is asked for something. One that has died is replaced at the next call, and calls
 * that its death took along are made once more: commands have to bear repetition.
 */
export class RcloneDaemon implements Rclone {
  readonly #setup: RcloneSetup;
  #running: Promise<Running> | undefined;
  #stopped = false;

  constructor(setup: RcloneSetup) {
    this.#setup = setup;
  }

  async call(remote: RcloneRemote, command: string, parameters: Record<string, unknown>): Promise<unknown> {
    return this.#surviving(async (running) => {
      await this.#tell(running, remote);
      return post(running, command, parameters);
    });
  }

  async open(
    remote: RcloneRemote,
    { file, fs, range }: { fs: string; file: string; range?: string },
  ): Promise<IncomingMessage> {
    return this.#surviving(async (running) => {
      await this.#tell(running, remote);
      const path = `/${encodeURIComponent(`[${fs}]`)}/${file}`;
      const answer = await send(running, { method: 'GET', path, headers: range ? { range } : {} });
      if ((answer.statusCode ?? 0) < 300) return answer;
      throw refusal(answer.statusCode ?? 0, await textOf(answer));
    });
  }

  async forget(remote: RcloneRemote): Promise<void> {
    const running = await this.#running?.catch(() => undefined);
    if (!running?.told.delete(remote.name)) return;
    // Gone with the process in any case.
    await post(running, 'config/delete', { name: remote.name }).catch(() => {});
  }

  async pid(): Promise<number | undefined> {
    return (await this.#running?.catch(() => undefined))?.process.pid;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const running = await this.#running?.catch(() => undefined);
    await running?.process.stop();
  }

  async #surviving<T>(work: (running: Running) => Promise<T>): Promise<T> {
    const running = await this.#current();
    try {
      return await work(running);
    } catch (error) {
      if (!isBroken(error)) throw error;
      // Most often it has died, and its end is about to be told; else it was a line it had closed meanwhile.
      await Promise.race([running.process.ended, pause(END_MS, undefined, { ref: false })]);
    }
    return work(await this.#current());
  }

  #current(): Promise<Running> {
    if (this.#stopped) throw fail('store_unavailable', 'The control plane is stopping.', 'Start it again.');
    if (this.#running) return this.#running;
    const mine = this.#start();
    const over = () => {
      if (this.#running === mine) this.#running = undefined;
    };
    mine.then(({ process }) => process.ended.then(over), over);
    this.#running = mine;
    return mine;
  }

  async #start(): Promise<Running> {
    const process = await startRclone(this.#setup);
    const agent = new Agent({ keepAlive: true, maxSockets: 32 });
    process.ended.then(() => agent.destroy());
    const running = { process, agent, told: new Map() };
    try {
      await requireVersion(running);
      return running;
    } catch (error) {
      await process.stop();
      throw error;
    }
  }

  #tell(running: Running, remote: RcloneRemote): Promise<unknown> {
    const known = running.told.get(remote.name);
    if (known) return known;
    const telling = tell(running, remote, this.#setup.room);
    running.told.set(remote.name, telling);
    telling.catch(() => running.told.delete(remote.name));
    return telling;
  }
}

async function tell(running: Running, remote: RcloneRemote, room: string): Promise<void> {
  const parameters = { ...remote.parameters };
  for (const [parameter, text] of Object.entries(remote.files ?? {})) {
    const path = join(room, `${remote.name}-${parameter}`);
    await writeFile(path, text, { mode: 0o600 });
    parameters[parameter] = path;
  }
  // Nothing is asked back: what a remote needs a browser for has been done where the configuration comes from.
  const opt = { nonInteractive: true, ...(remote.plain ? { obscure: true } : { noObscure: true }) };
  await post(running, 'config/create', { name: remote.name, type: remote.type, parameters, opt });
}

async function requireVersion(running: Running): Promise<void> {
  const { decomposed, version } = (await post(running, 'core/version', {})) as {
    decomposed: number[];
    version: string;
  };
  const [major = 0, minor = 0] = decomposed;
  if (major > LEAST_VERSION[0] || (major === LEAST_VERSION[0] && minor >= LEAST_VERSION[1])) return;
  throw fail(
    'store_unavailable',
    `rclone ${version} on the control plane’s host is too old.`,
    `Install ${LEAST_VERSION.join('.')} or newer there, or name another one with HOMEPORT_RCLONE.`,
  );
}

async function post(running: Running, command: string, parameters: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const asked: Asked = { method: 'POST', path: `/${command}`, headers, body: JSON.stringify(parameters) };
  const answer = await send(running, asked);
  const text = await textOf(answer);
  if (answer.statusCode === 200) return JSON.parse(text);
  throw refusal(answer.statusCode ?? 0, text);
}

function send({ agent, process }: Running, { body, headers, method, path }: Asked): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { authorization, url } = process;
    request(url + path, { agent, method, headers: { ...headers, authorization } }, resolve)
      .once('error', reject)
      .end(body);
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) throw new RcloneError('rclone’s answer is too long', 500);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Its answer repeats what it was asked, secrets included: the error alone is taken. */
function refusal(status: number, text: string): RcloneError {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === 'string') return new RcloneError(error, status);
  } catch {
    // no JSON: from the server itself
  }
  return new RcloneError(`status ${status}`, status);
}

/** Whether an error is that of a line to rclone, not rclone’s word. */
export function isBroken(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return ['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(code));
}
