import { type Failure, toFailure } from '../../protocol/failure.ts';
import { CLOSE } from '../../protocol/handshake.ts';
import type { ToAgent, ToControlPlane } from '../../protocol/messages.ts';
import { type Clock, pause } from '../clock.ts';
import type { AgentIdentity } from '../identity.ts';
import type { Log } from '../log.ts';
import type { PinnedControlPlane } from '../state/control-plane.ts';
import { fullJitter, SLOWEST } from './backoff.ts';
import type { OutgoingProxy } from './proxy.ts';
import { openSession, type Session } from './session.ts';

/** A session that lasted this long counts as a success for the backoff, in milliseconds. */
const SETTLED_MS = 10_000;

export interface ConnectionOptions {
  pinned: PinnedControlPlane;
  identity: AgentIdentity;
  /** What to go through; directly where absent. */
  proxy?: OutgoingProxy | undefined;
  clock: Clock;
  log: Log;
  random?: () => number;
}

/** Who is told what happens on the line. None of these may throw. */
export interface ConnectionHandlers {
  /** A session is up; called before any of its messages. */
  onConnected(session: Session): void;
  onMessage(message: ToAgent, session: Session): void;
  /** Time for a heartbeat. */
  onBeat(): void;
  /** The session ended. */
  onLost(): void;
  /** No session for now; `failure` says why. It is tried again. */
  onFailed?(failure: Failure): void;
}

/** The agent's one line to its control plane, kept up from `start` to `stop`. */
export interface Connection {
  start(handlers: ConnectionHandlers): void;
  /** False where nobody is connected, or the socket is congested and the message `droppable`. */
  send(message: ToControlPlane, droppable?: boolean): boolean;
  /** The session that is live now, if there is one. */
  live(): Session | undefined;
  /** The live session, waiting for one if need be. Rejects with the signal's reason. */
  session(signal: AbortSignal): Promise<Session>;
  stop(): Promise<void>;
}

export function createConnection(options: ConnectionOptions): Connection {
  const stopping = new AbortController();
  const waiting = new Set<(session: Session) => void>();
  let current: Session | undefined;
  let done: Promise<void> = Promise.resolve();
  return {
    start(handlers) {
      done = keepConnected({ ...options, ...handlers }, stopping.signal, (session) => {
        const lost = current;
        current = session;
        if (lost) handlers.onLost();
        if (!session) return;
        handlers.onConnected(session);
        for (const resolve of waiting) resolve(session);
        waiting.clear();
      });
    },
    send: (message, droppable) => current?.send(message, droppable) ?? false,
    live: () => current,
    session(signal) {
      if (current && !signal.aborted) return Promise.resolve(current);
      return waitForSession(waiting, signal);
    },
    async stop() {
      stopping.abort();
      current?.close(CLOSE.goingAway);
      await done;
    },
  };
}

function waitForSession(waiting: Set<(session: Session) => void>, signal: AbortSignal): Promise<Session> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onSession = (session: Session) => {
      signal.removeEventListener('abort', onAbort);
      resolve(session);
    };
    const onAbort = () => {
      waiting.delete(onSession);
      reject(signal.reason);
    };
    waiting.add(onSession);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

async function keepConnected(
  options: ConnectionOptions & ConnectionHandlers,
  signal: AbortSignal,
  publish: (session: Session | undefined) => void,
): Promise<void> {
  const { clock, log, pinned } = options;
  let failures = 0;
  while (!signal.aborted) {
    const startedAt = clock.now();
    const failure = await connectOnce(options, signal, publish);
    publish(undefined);
    if (signal.aborted) return;
    options.onFailed?.(failure);
    // What only a person can lift is tried again all the same, but slowly.
    const lasting = !failure.retryable || failure.code === 'agent_duplicate';
    if (clock.now() - startedAt > SETTLED_MS) failures = 0;
    if (lasting) failures = SLOWEST;
    const waitMs = fullJitter(failures, options.random);
    failures += 1;
    const { code, message, hint } = failure;
    const facts = { code, hint, url: pinned.url, retryInMs: Math.round(waitMs) };
    if (lasting) log.error(facts, message);
    else log.warn(facts, message);
    await pause(clock, waitMs, signal).catch(() => undefined); // stopping: the loop ends
  }
}

async function connectOnce(
  options: ConnectionOptions & ConnectionHandlers,
  signal: AbortSignal,
  publish: (session: Session) => void,
): Promise<Failure> {
  try {
    // The first frames may arrive with the welcome, before the promise below has told us of the session.
    const queue: ToAgent[] = [];
    let session: Session | undefined;
    const { clock, identity, log, onBeat, pinned, proxy } = options;
    const onMessage = (message: ToAgent) =>
      session ? options.onMessage(message, session) : void queue.push(message);
    session = await openSession({ pinned, identity, proxy, clock, log, onBeat, onMessage }, signal);
    const way = proxy ? { url: pinned.url, proxy: proxy.shown } : { url: pinned.url };
    log.info(way, 'connected to the control plane');
    publish(session);
    for (const message of queue) options.onMessage(message, session);
    return await session.closed;
  } catch (error) {
    return toFailure(error);
  }
}
