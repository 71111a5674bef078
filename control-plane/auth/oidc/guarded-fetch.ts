import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { CustomFetch } from 'openid-client';
import { fail } from '../../../protocol/failure.ts';
import type { Outgoing } from '../../../protocol/outgoing.ts';

/** Of an answer; discovery documents and key sets are a few KiB. */
const MAX_BYTES = 1024 * 1024;

/**
 * The way to a provider: wherever its discovery document sends us, addresses of this host and its link are refused
 * unless the operator allows them, plain HTTP is for loopback alone, and redirects are not followed.
 */
export function createGuardedFetch(outgoing: Outgoing): CustomFetch {
  return async (url, { body, headers, method, signal }) => {
    const target = requireSecure(url);
    outgoing.requireHost(target.hostname);
    const { promise, reject, resolve } = Promise.withResolvers<Response>();
    const send = target.protocol === 'https:' ? tlsRequest : plainRequest;
    const options = { method, headers, lookup: outgoing.lookup, agent: false, ...(signal ? { signal } : {}) };
    const request = send(target, options, (answer) => responseOf(answer).then(resolve, reject));
    request.on('error', reject);
    request.end(body === undefined || body === null ? undefined : String(body));
    return promise;
  };
}

async function responseOf(answer: IncomingMessage): Promise<Response> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length > MAX_BYTES) {
      answer.destroy();
      throw new Error(`an answer of more than ${MAX_BYTES} bytes`);
    }
  }
  const headers = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  const status = answer.statusCode ?? 0;
  return new Response(status === 204 || status === 304 ? null : Buffer.concat(parts), { status, headers });
}

/**
 * An address that secrets and people may be sent to.
 * @throws FailureError `invalid_input` for what is neither HTTPS nor HTTP on loopback
 */
export function requireSecure(address: string): URL {
  const url = URL.parse(address);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))) return url;
  throw fail(
    'invalid_input',
    `${address} is not an HTTPS address.`,
    'Give the provider a certificate and use its https:// address; plain HTTP is for a provider on this host alone.',
  );
}

function isLoopback(host: string): boolean {
  return /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(host);
}
