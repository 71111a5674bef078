import type {
  DumpResult,
  EngineDriver,
  OperationContext,
  ServerTarget,
  StreamOpener,
  StreamSink,
} from '../../agent/engines/driver.ts';
import { type Failure, FailureError } from '../../protocol/failure.ts';
import type { Finding, RestorePlan } from '../../protocol/restore.ts';
import { EVERYTHING } from '../../protocol/selection.ts';

/** A finished dump in memory, to be restored or damaged. */
export interface Captured {
  result: DumpResult;
  streams: Map<string, Buffer>;
}

/** A context that nobody cancels, or that `signal` does; keeps what was reported. */
export function operation(
  signal: AbortSignal = new AbortController().signal,
): OperationContext & { lines: string[]; phases: string[] } {
  const lines: string[] = [];
  const phases: string[] = [];
  return {
    signal,
    lines,
    phases,
    log: (line) => void lines.push(line),
    phase: (name) => void phases.push(name),
  };
}

/** What a preflight found in database and account: how old this machine's client tools are is another matter. */
export const found = ({ findings }: { findings: Finding[] }) =>
  findings.filter(({ code }) => code !== 'tool_vulnerable');

/** All of a database, nothing left out. */
export const whole = (database: string) => ({ database, selection: EVERYTHING });

/** Dumps into memory. */
export async function capture(
  driver: EngineDriver,
  server: ServerTarget,
  database: string,
  selection = EVERYTHING,
): Promise<Captured> {
  const streams = new Map<string, Buffer>();
  const sink: StreamSink = async ({ name }, body) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(Uint8Array.from(chunk));
    streams.set(name, Buffer.concat(chunks));
  };
  return { result: await driver.dump(server, { database, selection }, sink, operation()), streams };
}

/** Opens captured streams in pieces of 64 KiB. */
export function opener(captured: Captured): StreamOpener {
  return async function* (name) {
    const bytes = captured.streams.get(name);
    if (!bytes) throw new Error(`no stream ${name}`);
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  };
}

/** Input of `restore` for a captured dump. */
export function restoreInput(
  captured: Captured,
  plan: Partial<RestorePlan> & { targetDatabase: string },
  open = opener(captured),
) {
  const full: RestorePlan = { mode: 'new', owners: 'keep', endSessions: false, ...plan };
  return {
    plan: full,
    source: { serverVersion: captured.result.serverVersion, catalog: captured.result.catalog },
    open,
  };
}

/** The failure a promise rejects with; fails the test where it does not. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => new Error('expected a failure'),
    (reason: unknown) => reason,
  );
  if (error instanceof FailureError) return error.failure;
  throw error;
}
