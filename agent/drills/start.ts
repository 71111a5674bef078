import { setTimeout as delay } from 'node:timers/promises';
import { FailureError, fail } from '../../protocol/failure.ts';
import type { RunningTool, ToolExit } from '../process.ts';

/** The superuser of a disposable server itself; nothing of a dump ever runs as it. */
export const SUPERUSER = 'homeport_drill_admin';
const BETWEEN_MS = 100;

interface Starting {
  /** Of the server, for people. */
  product: string;
  /** Milliseconds that it may take. */
  withinMs: number;
  signal: AbortSignal;
  connect(): Promise<AsyncDisposable>;
}

/**
 * Waits until a disposable server that was started takes a login.
 * @throws FailureError `drill_not_possible` where it ends instead, else what the last login said
 */
export async function untilAnswers(server: RunningTool, starting: Starting): Promise<void> {
  const { connect, product, signal, withinMs } = starting;
  const ended = endOf(server);
  for (const giveUpAt = performance.now() + withinMs; ; ) {
    await delay(BETWEEN_MS, undefined, { signal });
    const exit = ended();
    if (exit) throw notStarted(product, 'it ended at once', exit);
    try {
      await using _ = await connect();
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof FailureError) || performance.now() > giveUpAt) throw error;
    }
  }
}

export function notStarted(product: string, why: string, { stderr }: ToolExit): FailureError {
  return fail(
    'drill_not_possible',
    `The disposable ${product} server could not be started: ${why}.`,
    'Look at what it said. Homeport needs the server’s programs only, which have to run on this host.',
    { detail: stderr },
  );
}

/** Tells how a server ended, once it has; one that could not be started says why in the place of its own words. */
function endOf(child: RunningTool): () => ToolExit | undefined {
  let exit: ToolExit | undefined;
  child.exit.then(
    (ended) => {
      exit = ended;
    },
    (error) => {
      exit = { exitCode: null, signal: null, stderr: String(error), stderrCut: false };
    },
  );
  return () => exit;
}
