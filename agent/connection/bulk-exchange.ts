import { createHash } from 'node:crypto';
import {
  BULK_HEADERS,
  type BulkFacts,
  bulkReplySignature,
  bulkSignature,
  signaturesEqual,
} from '../../protocol/bulk.ts';
import { FailureError, fail, failureSchema } from '../../protocol/failure.ts';
import type { BulkTransport, WireReply } from './bulk-transport.ts';
import { Unavailable } from './persist.ts';
import type { Session } from './session.ts';

const IDLE_MS = 60_000;
const SMALL_REPLY_BYTES = 64 * 1024;

/** One bulk request. */
export interface BulkCall {
  method: 'GET' | 'POST' | 'PUT';
  path: string;
  body?: readonly Uint8Array[];
  /** SHA-256 of the body, hex, where it is known already. */
  bodyHash?: string;
  range?: string;
  attempt?: number;
  replyLimit?: number;
  idleMs?: number;
  /** The reply proves itself: it is no signed reply. */
  unsigned?: boolean;
}

/**
 * Sends it, signed with the session's key, and checks the answer's signature.
 * @throws Unavailable what may go better another time
 * @throws FailureError the control plane's refusal
 */
export async function exchange(
  transport: BulkTransport,
  call: BulkCall,
  { session, signal }: { session: Session; signal: AbortSignal },
): Promise<WireReply> {
  const body = call.body ?? [];
  const facts: BulkFacts = {
    method: call.method,
    path: call.path,
    range: call.range ?? '',
    attempt: call.attempt === undefined ? '' : String(call.attempt),
    bodyHash: call.bodyHash ?? hashOf(body),
  };
  const headers: Record<string, string> = {
    authorization: `Bearer ${session.bearer}`,
    [BULK_HEADERS.signature]: bulkSignature(session.bulkKey, facts),
    [BULK_HEADERS.bodyHash]: facts.bodyHash,
    ...(facts.range ? { range: facts.range } : {}),
    ...(facts.attempt ? { [BULK_HEADERS.attempt]: facts.attempt } : {}),
  };
  if (call.method !== 'GET') headers['content-type'] = 'application/octet-stream';
  const replyLimit = Math.max(call.replyLimit ?? 0, SMALL_REPLY_BYTES);
  const { method, path, idleMs = IDLE_MS } = call;
  const wire = { method, path, headers, body, replyLimit, idleMs };
  const reply = await transport.exchange(wire, signal).catch((error: Error) => {
    signal.throwIfAborted();
    const reason = error instanceof FailureError ? error.failure.message : error.message;
    throw new Unavailable(reason, { cause: error });
  });
  const signed = isSigned(reply, facts, session.bulkKey);
  if (reply.status < 200 || reply.status > 299) throw refusal(reply, signed);
  if (!signed && !call.unsigned) {
    throw new Unavailable(
      'a reply was not sent by the control plane; look for a proxy that rewrites what passes',
    );
  }
  return reply;
}

function hashOf(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** What is believed to be stored must have been said by the control plane, not by something in between. */
function isSigned(reply: WireReply, facts: BulkFacts, bulkKey: Buffer): boolean {
  const given = reply.headers[BULK_HEADERS.signature];
  const expected = bulkReplySignature(bulkKey, facts, reply.status, reply.body);
  return typeof given === 'string' && signaturesEqual(given, expected);
}

/** Statuses of a control plane, or a proxy before it, that is away for the moment, or of a session that is over. */
const AWAY = new Set([401, 408, 425, 429, 502, 503, 504]);

/** A refusal's words are shown to people, its SQL for pasting: only the control plane's own are passed on. */
function refusal(reply: WireReply, signed: boolean): Error {
  const said = signed ? (parseJson(reply.body) as { error?: unknown } | undefined)?.error : undefined;
  const parsed = failureSchema.safeParse(said);
  if (AWAY.has(reply.status)) {
    const store = parsed.data?.code === 'store_unavailable' ? parsed.data : undefined;
    return new Unavailable(parsed.data?.message ?? `It answered with status ${reply.status}.`, { store });
  }
  if (parsed.success) return new FailureError(parsed.data);
  return fail(
    'internal',
    `The control plane answered a bulk request with status ${reply.status}.`,
    'Look at the log of the control plane, and of a proxy in front of it.',
  );
}

/** JSON, or `undefined` for what is none. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined; // the caller reports it: a proxy's page, or a reply that is malformed
  }
}

/** For an answer that does not have its form. */
export function malformed(what: string): FailureError {
  return fail('internal', `The control plane's “${what}” reply is malformed.`, 'Update both sides.');
}
