import { createHash } from 'node:crypto';
import type { z } from 'zod';
import {
  BULK_HEADERS,
  type BulkFacts,
  bulkReplySignature,
  bulkSignature,
  signaturesEqual,
} from '../../protocol/bulk.ts';
import { downloadWaySchema, uploadWaySchema } from '../../protocol/direct.ts';
import { FailureError, fail, failureSchema } from '../../protocol/failure.ts';
import { type Attempt, heritageSchema, restoreSourceSchema } from '../../protocol/job.ts';
import type { VaultClient } from '../pipeline/vault-client.ts';
import type { BulkTransport, WireReply } from './bulk-transport.ts';
import type { DirectQuestions } from './direct.ts';
import { type Persistence, Unavailable } from './persist.ts';
import type { Session } from './session.ts';

const IDLE_MS = 60_000;
/** The control plane reads trailers and index before it answers these. */
const SLOW_IDLE_MS = 5 * 60_000;
const SMALL_REPLY_BYTES = 64 * 1024;
/** A restore source is one JSON text, which V8 limits to this. */
const SOURCE_LIMIT_BYTES = 512 * 1024 * 1024;
const ID_BYTES = 32;
const KEY_ID_BYTES = 16;

interface BulkCall {
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

/** What {@link createVaultClient} makes. */
export interface BulkVaultClient extends VaultClient {
  /** For packs that do not go through the control plane. */
  readonly direct: DirectQuestions;
}

/** The vault of one job, over HTTP, signed with the keys of whichever session is live. */
export function createVaultClient(
  vaultId: string,
  transport: BulkTransport,
  persist: Persistence,
): BulkVaultClient {
  const call = (request: BulkCall, signal: AbortSignal) =>
    persist((session) => exchange(transport, request, { session, signal }), signal);
  const vault = `/agent/v1/vaults/${vaultId}`;
  const ask = async <T>(schema: z.ZodType<T>, request: BulkCall, signal: AbortSignal): Promise<T> => {
    const parsed = schema.safeParse(parseJson((await call(request, signal)).body));
    if (!parsed.success) throw malformed('direct');
    return parsed.data;
  };
  const direct: DirectQuestions = {
    upload(sha256, bytes, signal) {
      const body = [Buffer.from(JSON.stringify({ bytes }))];
      const path = `${vault}/packs/${sha256}/upload`;
      return ask(uploadWaySchema, { method: 'POST', path, body }, signal);
    },
    async uploaded(sha256, signal) {
      const path = `${vault}/packs/${sha256}/uploaded`;
      await call({ method: 'POST', path, idleMs: SLOW_IDLE_MS }, signal);
    },
    download: (sha256, signal) =>
      ask(downloadWaySchema, { method: 'GET', path: `${vault}/packs/${sha256}/address` }, signal),
  };
  return {
    direct,
    async missing(serverId, ids, signal) {
      const replyLimit = (ids.length / ID_BYTES) * KEY_ID_BYTES;
      const path = `${vault}/missing?server=${serverId}`;
      const { body } = await call({ method: 'POST', path, body: [ids], replyLimit }, signal);
      if (body.length !== replyLimit) throw malformed('missing');
      return body;
    },
    async putKey(keyId, file, signal) {
      await call({ method: 'PUT', path: `${vault}/keys/${keyId}`, body: [file] }, signal);
    },
    async putPack(sha256, parts, signal) {
      await call(
        {
          method: 'PUT',
          path: `${vault}/packs/${sha256}`,
          body: parts,
          bodyHash: sha256,
          idleMs: SLOW_IDLE_MS,
        },
        signal,
      );
    },
    async getPack(sha256, { offset, length }, signal) {
      const range = `bytes=${offset}-${offset + length - 1}`;
      const path = `${vault}/packs/${sha256}`;
      const reply = await call({ method: 'GET', path, range, replyLimit: length, unsigned: true }, signal);
      if (reply.status !== 206 || reply.body.length !== length) throw malformed('pack');
      return reply.body;
    },
    async commit({ jobId, attempt }, manifest, signal) {
      const path = `/agent/v1/jobs/${jobId}/commit`;
      await call({ method: 'POST', path, attempt, body: [manifest], idleMs: SLOW_IDLE_MS }, signal);
    },
    source: (attempt, signal) => document('source', restoreSourceSchema, { attempt, signal }),
    heritage: (attempt, signal) => document('heritage', heritageSchema, { attempt, signal }),
  };

  /** A description of a snapshot, which may be large. */
  async function document<S extends z.ZodType>(
    what: string,
    schema: S,
    { attempt, signal }: { attempt: Attempt; signal: AbortSignal },
  ): Promise<z.infer<S>> {
    const path = `/agent/v1/jobs/${attempt.jobId}/${what}`;
    const limits = { replyLimit: SOURCE_LIMIT_BYTES, idleMs: SLOW_IDLE_MS };
    const { body } = await call({ method: 'GET', path, attempt: attempt.attempt, ...limits }, signal);
    const parsed = schema.safeParse(parseJson(body));
    if (!parsed.success) throw malformed(what);
    return parsed.data;
  }
}

async function exchange(
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

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined; // the caller reports it: a proxy's page, or a reply that is malformed
  }
}

function malformed(what: string): FailureError {
  return fail('internal', `The control plane's “${what}” reply is malformed.`, 'Update both sides.');
}
