import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong with a request. */
export type Fault =
  /** It is not passed on: this is the answer. */
  | { answer: number; body?: string; headers?: Record<string, string> }
  /** It is passed on and done, but another answer than the true one comes back. */
  | { done: number; body?: string }
  /** Its answer is cut off after so many bytes. */
  | { cutAnswerAfter: number }
  /** The connection is reset once so many bytes of its body have come. */
  | { cutRequestAfter: number };

/** An HTTP relay in front of a server that a test can make fail. */
export interface HttpFaults extends AsyncDisposable {
  readonly port: number;
  /** Requests that came, in order: method, path, and bytes of their bodies. */
  readonly seen: { method: string; path: string; bytes: number }[];
  /** The next `times` requests of this method suffer; then they pass again. */
  next(method: string, fault: Fault, times?: number): void;
  /** Everything passes from now on. */
  mend(): void;
}

/** An S3 error document. */
export const s3Error = (code: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>as the test wants it</Message></Error>`;

export async function startHttpFaults(target: number): Promise<HttpFaults> {
  const planned: { method: string; fault: Fault; times: number }[] = [];
  const seen: HttpFaults['seen'] = [];
  const server = createServer((incoming, outgoing) => {
    const method = incoming.method ?? '';
    const entry = { method, path: incoming.url ?? '', bytes: 0 };
    seen.push(entry);
    incoming.on('data', (part: Buffer) => {
      entry.bytes += part.length;
    });
    const plan = planned.find((one) => one.method === method && one.times > 0);
    if (plan) plan.times -= 1;
    relay(incoming, outgoing, { target, fault: plan?.fault });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    next: (method, fault, times = 1) => void planned.push({ method, fault, times }),
    mend: () => void planned.splice(0),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Way {
  target: number;
  fault: Fault | undefined;
}

function relay(incoming: IncomingMessage, outgoing: ServerResponse, { target, fault }: Way): void {
  if (fault && 'answer' in fault) {
    incoming.resume();
    incoming.once('end', () => outgoing.writeHead(fault.answer, fault.headers).end(fault.body));
    return;
  }
  if (fault && 'cutRequestAfter' in fault) {
    let bytes = 0;
    incoming.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes >= fault.cutRequestAfter) incoming.socket.resetAndDestroy();
    });
    return;
  }
  const { headers, method, url } = incoming;
  const onward = request({ host: '127.0.0.1', port: target, method, path: url, headers }, (reply) => {
    if (fault && 'done' in fault) {
      reply.resume();
      reply.once('end', () => outgoing.writeHead(fault.done).end(fault.body));
      return;
    }
    outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
    if (fault) return cut(reply, outgoing, fault.cutAnswerAfter);
    reply.pipe(outgoing);
  });
  onward.on('error', () => outgoing.destroy());
  incoming.pipe(onward);
}

function cut(reply: IncomingMessage, outgoing: ServerResponse, after: number): void {
  let left = after;
  if (after === 0) {
    outgoing.flushHeaders();
    setImmediate(() => outgoing.destroy());
  }
  reply.on('data', (part: Buffer) => {
    if (left <= 0) return;
    const some = part.subarray(0, left);
    left -= some.length;
    // The part must be out before the connection ends.
    outgoing.write(some, () => left <= 0 && outgoing.destroy());
  });
}
