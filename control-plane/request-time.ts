import type { IncomingMessage, ServerResponse } from 'node:http';

const lifts = new WeakMap<object, () => void>();

/** Bounds in milliseconds. */
export interface StrangerTimes {
  /** From the first byte of a request to the end of its headers. */
  headersMs: number;
  /** From there to the end of its body. */
  bodyMs: number;
  /** How long it may leave an answer unread. */
  idleMs: number;
}

/** Room for a sign-in over a bad line, no more: each waiting request costs a socket. */
export const STRANGER_TIMES: StrangerTimes = { headersMs: 10_000, bodyMs: 15_000, idleMs: 60_000 };

/** Cuts a request off that takes its time, unless {@link allowTime} is called for it. */
export function boundTime(incoming: IncomingMessage, outgoing: ServerResponse, times: StrangerTimes): void {
  const timer = setTimeout(() => {
    if (!incoming.complete) cutOff(outgoing);
  }, times.bodyMs);
  timer.unref();
  outgoing.setTimeout(times.idleMs);
  outgoing.once('close', () => clearTimeout(timer));
  lifts.set(incoming, () => {
    clearTimeout(timer);
    outgoing.setTimeout(0);
  });
}

/** The sender of a request has proved who it is: the request may take as long as its bytes do. */
export function allowTime(incoming: object | undefined): void {
  if (incoming) lifts.get(incoming)?.();
}

function cutOff(outgoing: ServerResponse): void {
  const { socket } = outgoing;
  if (!outgoing.headersSent) socket?.write('HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n');
  socket?.destroy();
}
