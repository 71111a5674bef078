import { createHash } from 'node:crypto';
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
  | { cutRequestAfter: number }
  /** A bit of its body is another one when it arrives. */
  | { flipBit: true };

/** A request that came. */
export interface SeenRequest {
  method: string;
  path: string;
  /** Of its body. */
  bytes: number;
  /** Of the body of its answer. */
  answered: number;
  /** 0 where it got no answer. */
  status: number;
}

/** An HTTP relay in front of an S3 server that a test can make fail. */
export interface HttpFaults extends AsyncDisposable {
  readonly port: number;
  /** Requests that came, in order. */
  readonly seen: SeenRequest[];
  /** The next `times` requests of this method (and of `which` kind) suffer; then they pass again. */
  next(method: string, fault: Fault, times?: number, which?: (request: SeenRequest) => boolean): void;
  /** Everything passes from now on. */
  mend(): void;
  /** Refuses bodies that are not those of their `x-amz-checksum-sha256`, as S3 does and moto's server does not. */
  verify: boolean;
}

/** An S3 error document. */
export const s3Error = (code: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>as the test wants it</Message></Error>`;

interface Plan {
  method: string;
  fault: Fault;
  times: number;
  which: (request: SeenRequest) => boolean;
}

export async function startHttpFaults(target: number, host = '127.0.0.1'): Promise<HttpFaults> {
  const planned: Plan[] = [];
  const seen: SeenRequest[] = [];
  const state = { verify: false };
  const server = createServer((incoming, outgoing) => {
    const entry = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      bytes: 0,
      answered: 0,
      status: 0,
    };
    seen.push(entry);
    watch(entry, incoming, outgoing);
    const plan = planned.find((one) => one.method === entry.method && one.times > 0 && one.which(entry));
    if (plan) plan.times -= 1;
    relay(incoming, outgoing, { target, fault: plan?.fault, verify: state.verify });
  });
  await new Promise<void>((resolve) => server.listen(0, host, () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    next: (method, fault, times = 1, which = () => true) =>
      void planned.push({ method, fault, times, which }),
    mend: () => void planned.splice(0),
    get verify() {
      return state.verify;
    },
    set verify(yes) {
      state.verify = yes;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function watch(entry: SeenRequest, incoming: IncomingMessage, outgoing: ServerResponse): void {
  incoming.on('data', (part: Buffer) => {
    entry.bytes += part.length;
  });
  outgoing.once('finish', () => {
    entry.status = outgoing.statusCode;
    entry.answered = entry.method === 'HEAD' ? 0 : Number(outgoing.getHeader('content-length') ?? 0);
  });
}

interface Way {
  target: number;
  fault: Fault | undefined;
  verify: boolean;
}

function relay(incoming: IncomingMessage, outgoing: ServerResponse, { target, fault, verify }: Way): void {
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
  const parts: Buffer[] = [];
  incoming.on('data', (part: Buffer) => parts.push(part));
  incoming.once('end', () => {
    const body = Buffer.concat(parts);
    if (fault && 'flipBit' in fault) body.writeUInt8(body.readUInt8(body.length >> 1) ^ 1, body.length >> 1);
    const claimed = incoming.headers['x-amz-checksum-sha256'];
    if (verify && claimed && createHash('sha256').update(body).digest('base64') !== claimed)
      return void outgoing.writeHead(400).end(s3Error('BadDigest'));
    pass(incoming, outgoing, { target, fault, body });
  });
}

function pass(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { body, fault, target }: { target: number; fault: Fault | undefined; body: Buffer },
): void {
  const { headers, method, url } = incoming;
  const onward = request({ host: '127.0.0.1', port: target, method, path: url, headers }, (reply) => {
    if (fault && 'done' in fault) {
      reply.resume();
      reply.once('end', () => outgoing.writeHead(fault.done).end(fault.body));
      return;
    }
    outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
    if (fault && 'cutAnswerAfter' in fault) return cut(reply, outgoing, fault.cutAnswerAfter);
    reply.pipe(outgoing);
  });
  onward.on('error', () => outgoing.destroy());
  onward.end(body);
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
