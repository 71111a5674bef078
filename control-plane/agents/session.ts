import type { WebSocket } from 'ws';
import { fail, toFailure } from '../../protocol/failure.ts';
import { createFrameOpener, createFrameSealer, MAX_FRAME_BYTES } from '../../protocol/frames.ts';
import { CLOSE, type ConnectionKeys } from '../../protocol/handshake.ts';
import {
  HEARTBEAT,
  type ToAgent,
  type ToControlPlane,
  toControlPlaneSchema,
} from '../../protocol/messages.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { pace } from './pace.ts';
import { createRequests, type Requests } from './requests.ts';

/** Unsent bytes after which an agent that does not read counts as gone. */
const MAX_BUFFERED_BYTES = 8 * MAX_FRAME_BYTES;
/** How long a probed connection has to show life, in milliseconds; an agent waits longer for its welcome. */
const PROBE_MS = 5_000;
/** WebSocket's own code for “my fault”: the agent reconnects and replays what was not acknowledged. */
const SERVER_ERROR = 1011;
const BEARER_RENEWAL_MS = 10 * 60_000;

/** One authenticated connection of an agent. */
export interface AgentSession {
  readonly connectionId: string;
  readonly agentId: string;
  readonly agentName: string;
  readonly connectedAt: number;
  /** Address the agent came from. */
  readonly from: string;
  readonly requests: Requests;
  /** @returns false where the socket is no longer open */
  send(message: ToAgent): boolean;
  /** Whether the other end still answers; resolves within some seconds. */
  probe(): Promise<boolean>;
  close(code: number, reason?: string): void;
}

export interface SessionParts {
  connectionId: string;
  agentId: string;
  agentName: string;
  from: string;
  keys: ConnectionKeys;
  clock: Clock;
  log: Logger;
  /** A fresh bearer for the bulk endpoints. */
  renewBearer(): string;
  onMessage(message: ToControlPlane, session: AgentSession): void;
  onClose(session: AgentSession): void;
}

/** Takes over a socket after the handshake: frames, heartbeat, bearer renewal, requests. */
export function startSession(socket: WebSocket, parts: SessionParts): AgentSession {
  const { clock, keys, log } = parts;
  const seal = createFrameSealer(keys.controlPlaneFrames);
  const open = createFrameOpener(keys.agentFrames);
  const send = (message: ToAgent) => sendBounded(socket, () => seal(JSON.stringify(message)));
  const requests = createRequests(clock, send);
  const heartbeat = startHeartbeat(socket, clock);
  const cancelRenewal = repeat(clock, BEARER_RENEWAL_MS, () =>
    send({ type: 'renew', session: parts.renewBearer() }),
  );
  const session: AgentSession = {
    connectionId: parts.connectionId,
    agentId: parts.agentId,
    agentName: parts.agentName,
    connectedAt: clock.now(),
    from: parts.from,
    requests,
    send,
    probe: heartbeat.probe,
    close: (code, reason) => closeSocket(socket, code, reason),
  };

  function receive(frame: string): void {
    const body = open(frame); // throws: the connection cannot go on
    const message = parseMessage(body);
    if ('failure' in message) {
      log.warn({ agentId: parts.agentId, failure: message.failure }, 'an agent sent an unknown message');
      send({ type: 'refused', failure: message.failure });
      return;
    }
    if (message.parsed.type === 'reply') requests.onReply(message.parsed);
    else parts.onMessage(message.parsed, session);
  }

  const paced = pace(socket, clock);
  socket.on('message', (data, isBinary) => {
    if (socket.readyState !== socket.OPEN) return;
    paced();
    try {
      if (isBinary) closeSocket(socket, CLOSE.badFrame, 'binary frame');
      else receive(data.toString());
    } catch (error) {
      const failure = toFailure(error);
      const forged = failure.code === 'signature_invalid';
      log.error({ agentId: parts.agentId, err: error }, 'an agent’s frame could not be handled');
      closeSocket(socket, forged ? CLOSE.badSignature : SERVER_ERROR, failure.code);
    }
  });
  socket.once('close', () => {
    heartbeat.stop();
    cancelRenewal();
    requests.close();
    parts.onClose(session);
  });
  return session;
}

function sendBounded(socket: WebSocket, frame: () => string): boolean {
  if (socket.readyState !== socket.OPEN) return false;
  if (socket.bufferedAmount > MAX_BUFFERED_BYTES) {
    socket.terminate();
    return false;
  }
  socket.send(frame());
  return true;
}

function parseMessage(body: string): { parsed: ToControlPlane } | { failure: ReturnType<typeof toFailure> } {
  try {
    return { parsed: toControlPlaneSchema.parse(JSON.parse(body)) };
  } catch {
    const hint = 'Agent and control plane are of different versions. Update the older one.';
    return { failure: fail('unknown_message', 'The last message could not be understood.', hint).failure };
  }
}

/** Closes politely, then for good: a peer that is gone never answers the close frame. */
export function closeSocket(socket: WebSocket, code: number, reason = ''): void {
  if (socket.readyState === socket.CLOSED) return;
  socket.close(code, reason);
  const timer = setTimeout(() => socket.terminate(), 2_000);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

function startHeartbeat(socket: WebSocket, clock: Clock) {
  let lastHeard = clock.now();
  const probes = new Set<(alive: boolean) => void>();
  const heard = () => {
    lastHeard = clock.now();
    for (const answer of probes) answer(true);
    probes.clear();
  };
  for (const sign of ['message', 'ping', 'pong'] as const) socket.on(sign, heard);
  const stop = repeat(clock, HEARTBEAT.pingMs, () => {
    if (clock.now() - lastHeard > HEARTBEAT.deadMs) socket.terminate();
    else if (socket.readyState === socket.OPEN) socket.ping();
  });
  function probe(): Promise<boolean> {
    if (socket.readyState !== socket.OPEN) return Promise.resolve(false);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const cancel = clock.after(PROBE_MS, () => answer(false));
    const closed = () => answer(false);
    const answer = (alive: boolean) => {
      cancel();
      probes.delete(answer);
      socket.off('close', closed);
      resolve(alive);
    };
    probes.add(answer);
    socket.once('close', closed);
    socket.ping();
    return promise;
  }
  return { probe, stop };
}

function repeat(clock: Clock, ms: number, act: () => void): () => void {
  let cancel = clock.after(ms, tick);
  function tick() {
    cancel = clock.after(ms, tick);
    act();
  }
  return () => cancel();
}
