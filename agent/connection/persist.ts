import { type Failure, fail } from '../../protocol/failure.ts';
import { type Clock, pause } from '../clock.ts';
import { fullJitter } from './backoff.ts';
import type { Connection } from './connection.ts';
import type { Session } from './session.ts';

/** Largest exponent of the backoff between calls: about 16 s, since a dump waits with them. */
const CALL_SLOWEST = 4;

/** A call did not get through; the next may. Anything else that is thrown is final. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
  /** What the control plane says of its vault’s store, where it is that which is away. */
  readonly store: Failure | undefined;

  constructor(reason: string, { store, ...options }: ErrorOptions & { store?: Failure | undefined } = {}) {
    super(reason, options);
    this.store = store;
  }
}

export interface PersistOptions {
  connection: Pick<Connection, 'live' | 'session'>;
  clock: Clock;
  /** How long a call goes on without success, in milliseconds. */
  outageLimitMs: number;
  /**
   * Told when the first call begins to wait for the control plane, or for the store behind it, and when none waits any
   * more.
   */
  onWaiting(waiting: boolean, store?: Failure): void;
}

/** Runs a bulk call until it succeeds, over lost connections and restarts of the control plane. */
export type Persistence = <T>(call: (session: Session) => Promise<T>, signal: AbortSignal) => Promise<T>;

/**
 * Repeats what is {@link Unavailable}, with full jitter, each time with the session that is live then. Rejects
 * with what else the call throws, with the signal's reason, or with `control_plane_unreachable` past the limit.
 */
export function createPersistence(options: PersistOptions): Persistence {
  const waiting = createGauge(options.onWaiting);
  return async (call, signal) => {
    signal.throwIfAborted();
    const session = options.connection.live();
    let last: unknown;
    try {
      if (session) return await call(session);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      last = error;
    }
    waiting.enter(last instanceof Unavailable ? last.store : undefined);
    try {
      return await repeat(options, call, { signal, last });
    } finally {
      waiting.leave();
    }
  };
}

async function repeat<T>(
  options: PersistOptions,
  call: (session: Session) => Promise<T>,
  { signal, last }: { signal: AbortSignal; last: unknown },
): Promise<T> {
  let reason = last;
  const { clock, connection, outageLimitMs } = options;
  const limit = new AbortController();
  const cancel = clock.after(outageLimitMs, () => limit.abort());
  const patience = AbortSignal.any([signal, limit.signal]);
  try {
    for (let failures = 0; !patience.aborted; failures += 1) {
      if (failures > 0 || connection.live()) {
        await pause(clock, fullJitter(Math.min(failures, CALL_SLOWEST)), patience);
      }
      const session = await connection.session(patience);
      try {
        return await call(session);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        reason = error;
      }
    }
  } catch (error) {
    // Only a limit that ran out is ours to explain; abort reasons and refusals pass.
    if (signal.aborted || !limit.signal.aborted || error !== limit.signal.reason) throw error;
  } finally {
    cancel();
  }
  signal.throwIfAborted();
  throw gaveUp(outageLimitMs, reason);
}

function gaveUp(outageLimitMs: number, last: unknown) {
  const seconds = Math.round(outageLimitMs / 1000);
  if (last instanceof Unavailable && last.store) {
    const { code, hint, message } = last.store;
    return fail(code, `${message} It was waited for ${seconds} s.`, hint, { retryable: true, cause: last });
  }
  const reason = last instanceof Error ? last.message : 'There was no connection.';
  return fail(
    'control_plane_unreachable',
    `The control plane could not be used for ${seconds} s: ${reason}`,
    'Start it again or repair the way to it. The next attempt uploads only what is missing.',
    { retryable: true, cause: last },
  );
}

/** Reports the edges of “somebody waits”. */
function createGauge(changed: PersistOptions['onWaiting']): { enter(store?: Failure): void; leave(): void } {
  let count = 0;
  return {
    enter(store) {
      count += 1;
      if (count === 1) changed(true, store);
    },
    leave() {
      count -= 1;
      if (count === 0) changed(false);
    },
  };
}
