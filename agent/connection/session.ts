import { Agent } from 'node:https';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { type Failure, FailureError, fail, toFailure } from '../../protocol/failure.ts';
import { createFrameOpener, createFrameSealer, MAX_FRAME_BYTES } from '../../protocol/frames.ts';
import { CLOSE } from '../../protocol/handshake.ts';
import { type ToAgent, type ToControlPlane, toAgentSchema } from '../../protocol/messages.ts';
import type { Clock } from '../clock.ts';
import type { AgentIdentity } from '../identity.ts';
import type { Log } from '../log.ts';
import type { PinnedControlPlane } from '../state/control-plane.ts';
import { controlPlaneOrigin, socketUrl } from './address.ts';
import { closeCodeOf, connectionFailed, connectionLost, interrupted, silent, tooLarge } from './endings.ts';
import { createGreeting } from './greeting.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { OutgoingProxy } from './proxy.ts';

const HANDSHAKE_TIMEOUT_MS = 15_000;
/** Less than that: a host or a proxy that does not answer is to be named, not taken for a silent control plane. */
const OPENING_TIMEOUT_MS = 10_000;
/** Unsent bytes on the socket beyond which what may be dropped is dropped. */
const CONGESTED_BYTES = 4 * MAX_FRAME_BYTES;

export interface SessionOptions {
  pinned: PinnedControlPlane;
  identity: AgentIdentity;
  /** What to go through; directly where absent. */
  proxy?: OutgoingProxy | undefined;
  clock: Clock;
  log: Log;
  /** Called for each message, in order. */
  onMessage(message: ToAgent): void;
  /** Called each heartbeat interval. */
  onBeat(): void;
}

/** One authenticated connection. Dead once `closed` has settled; a new one is then opened. */
export interface Session {
  /** Bearer for bulk requests; renewed over the socket. */
  readonly bearer: string;
  /** Signs bulk requests and checks their replies, 32 bytes. */
  readonly bulkKey: Buffer;
  /** False where the message was not sent: socket gone, or congested and `droppable`. */
  send(message: ToControlPlane, droppable?: boolean): boolean;
  close(code: number): void;
  /** Why it ended. Never rejects. */
  readonly closed: Promise<Failure>;
}

/** Connects, shakes hands and keeps watch. @throws FailureError with the reason for which no session came to be */
export function openSession(options: SessionOptions, signal: AbortSignal): Promise<Session> {
  const { pinned, proxy } = options;
  const socket = new WebSocket(socketUrl(controlPlaneOrigin(pinned.url)), {
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
    // Both at once would report the one as the other.
    ...(proxy
      ? { agent: new Agent({ ...proxy.agentOptions(), timeout: OPENING_TIMEOUT_MS }) }
      : { handshakeTimeout: OPENING_TIMEOUT_MS }),
  });
  return new Promise((resolve, reject) => {
    const line = createLine(socket, options);
    const onAbort = () => line.end(CLOSE.goingAway, interrupted());
    signal.addEventListener('abort', onAbort, { once: true });
    const cancelTimeout = options.clock.after(HANDSHAKE_TIMEOUT_MS, () =>
      line.end(CLOSE.badHandshake, silent()),
    );
    line.live.then((session) => {
      cancelTimeout();
      resolve(session);
    });
    line.closed.then((failure) => {
      cancelTimeout();
      signal.removeEventListener('abort', onAbort);
      reject(new FailureError(failure)); // without effect once the session was handed out
    });
    if (signal.aborted) onAbort();
  });
}

interface Line {
  live: Promise<Session>;
  closed: Promise<Failure>;
  end(code: number, failure: Failure): void;
}

function createLine(socket: WebSocket, options: SessionOptions): Line {
  const live = Promise.withResolvers<Session>();
  const closed = Promise.withResolvers<Failure>();
  let receive = greet;
  const greeting = createGreeting(options);
  const heartbeat = startHeartbeat(options.clock, {
    beat() {
      if (socket.readyState === WebSocket.OPEN) socket.ping();
      options.onBeat();
    },
    dead: () => end(CLOSE.silent, silent()),
  });

  function greet(frame: string): void {
    const step = greeting(frame);
    if ('answer' in step) {
      socket.send(step.answer);
      return;
    }
    const { welcome, keys } = step;
    const opener = createFrameOpener(keys.controlPlaneFrames);
    const session = createSession(socket, {
      bearer: welcome.session,
      bulkKey: keys.bulk,
      seal: createFrameSealer(keys.agentFrames),
      closed: closed.promise,
      close: (code) => end(code, interrupted()),
    });
    receive = (sealed) => dispatch(opener(sealed), session, options);
    live.resolve(session);
  }
  function end(code: number, failure: Failure): void {
    closed.resolve(failure);
    heartbeat.stop();
    if (socket.readyState === WebSocket.OPEN) socket.close(code, failure.code);
    // A peer that is gone never answers the close; without this the socket would linger.
    const cancel = options.clock.after(2_000, () => socket.terminate());
    if (socket.readyState !== WebSocket.OPEN && socket.readyState !== WebSocket.CLOSING) socket.terminate();
    socket.once('close', cancel);
  }

  socket.on('message', (data, isBinary) => {
    if (socket.readyState !== WebSocket.OPEN) return;
    heartbeat.heard();
    try {
      if (isBinary) throw fail('unknown_message', 'A binary frame arrived.', 'Update both sides.');
      receive(data.toString());
    } catch (error) {
      end(closeCodeOf(error), toFailure(error));
    }
  });
  socket.on('ping', heartbeat.heard);
  socket.on('pong', heartbeat.heard);
  socket.on('error', (error) => closed.resolve(connectionFailed(options, error)));
  socket.on('close', (code) => {
    heartbeat.stop();
    closed.resolve(connectionLost(code));
  });
  return { live: live.promise, closed: closed.promise, end };
}

type LiveSession = Session & { renew(bearer: string): void };

interface SessionParts {
  bearer: string;
  bulkKey: Buffer;
  seal: (body: string) => string;
  closed: Promise<Failure>;
  close(code: number): void;
}

function createSession(socket: WebSocket, parts: SessionParts): LiveSession {
  let { bearer } = parts;
  return {
    get bearer() {
      return bearer;
    },
    bulkKey: parts.bulkKey,
    closed: parts.closed,
    send(message, droppable = false) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      if (droppable && socket.bufferedAmount > CONGESTED_BYTES) return false;
      const body = JSON.stringify(message);
      if (Buffer.byteLength(body) > MAX_FRAME_BYTES - 128) throw tooLarge(message.type);
      socket.send(parts.seal(body));
      return true;
    },
    close: parts.close,
    renew(next) {
      bearer = next;
    },
  };
}

function dispatch(body: string, session: LiveSession, { onMessage, log }: SessionOptions): void {
  const parsed = toAgentSchema.safeParse(parseJson(body));
  if (!parsed.success) {
    const failure: Failure = {
      code: 'unknown_message',
      message: 'This agent does not understand the message.',
      hint: 'Update the agent to the control plane’s version.',
      retryable: false,
    };
    log.warn({ issue: parsed.error.issues[0]?.message }, 'refused a message that is not in the protocol');
    const id = askedBy(body);
    session.send(
      id === undefined ? { type: 'refused', failure } : { type: 'reply', id, result: { ok: false, failure } },
    );
    return;
  }
  if (parsed.data.type === 'renew') session.renew(parsed.data.session);
  else onMessage(parsed.data);
}

const askedSchema = z.object({ type: z.literal('request'), id: z.uuid() });

/** The id of a question that is not known here: whoever asked then need not wait for its deadline. */
function askedBy(body: string): string | undefined {
  return askedSchema.safeParse(parseJson(body)).data?.id;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // refused by the schema, like any other unknown message
  }
}
