import type { HttpBindings } from '@hono/node-server';
import { createMiddleware } from 'hono/factory';
import {
  BULK_HEADERS,
  type BulkFacts,
  bulkReplySignature,
  bulkSignature,
  signaturesEqual,
} from '../../protocol/bulk.ts';
import { fail } from '../../protocol/failure.ts';
import { allowTime } from '../request-time.ts';
import type { Bearers } from './bearers.ts';

/** What {@link bulkAuth} leaves for the handlers behind it. */
export interface BulkVariables {
  /** The agent whose live connection signed the request. */
  agentId: string;
  /** Signed claim about the body, 64 hex digits; the handler checks it against the bytes. */
  bodyHash: string;
  /** Attempt the request is for; undefined where it names none. */
  attempt: number | undefined;
  /** Value of the reply's `homeport-signature` header. */
  signReply: (status: number, body: Uint8Array) => string;
}

export interface BulkEnv {
  Bindings: Partial<HttpBindings>;
  Variables: BulkVariables;
}

/** Bulk requests of one agent at work at the same time; it opens at most 16 connections. */
const MAX_AT_ONCE = 64;

function denied(message: string) {
  return fail('unauthorized', message, 'The agent reconnects and repeats the request by itself.', {
    retryable: true,
  });
}

/**
 * Lets bulk requests through that carry a live bearer and a signature made with its connection's key.
 * @throws FailureError `unauthorized`
 */
export function bulkAuth(bearers: Bearers) {
  const atWork = new Map<string, number>();
  return createMiddleware<BulkEnv>(async (c, next) => {
    const bearer = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(c.req.header('authorization') ?? '')?.[1];
    const party = bearer === undefined ? undefined : bearers.find(bearer);
    if (!party) throw denied('The bearer of this bulk request is not of a live agent connection.');
    const attempt = c.req.header(BULK_HEADERS.attempt) ?? '';
    const facts: BulkFacts = {
      method: c.req.method,
      path: requestTarget(c.req.url, c.env?.incoming?.url),
      range: c.req.header('range') ?? '',
      attempt,
      bodyHash: c.req.header(BULK_HEADERS.bodyHash) ?? '',
    };
    const given = c.req.header(BULK_HEADERS.signature) ?? '';
    const wellFormed = /^[0-9a-f]{64}$/.test(facts.bodyHash) && /^([1-9]\d{0,8})?$/.test(attempt);
    if (!wellFormed || !signaturesEqual(given, bulkSignature(party.bulkKey, facts))) {
      throw denied('The signature of this bulk request is not by the agent’s live connection.');
    }
    allowTime(c.env?.incoming);
    c.set('agentId', party.agentId);
    c.set('bodyHash', facts.bodyHash);
    c.set('attempt', attempt === '' ? undefined : Number(attempt));
    c.set('signReply', (status, body) => bulkReplySignature(party.bulkKey, facts, status, body));
    enter(atWork, party.agentId);
    // A streamed answer is at work until its last byte is out.
    const outgoing = c.env?.outgoing;
    if (outgoing) outgoing.once('close', () => leave(atWork, party.agentId));
    try {
      await next();
    } finally {
      if (!outgoing) leave(atWork, party.agentId);
    }
  });
}

function enter(atWork: Map<string, number>, agentId: string): void {
  const count = atWork.get(agentId) ?? 0;
  if (count >= MAX_AT_ONCE) {
    throw fail('agent_busy', 'The agent makes too many requests at once.', 'It tries again by itself.', {
      retryable: true,
    });
  }
  atWork.set(agentId, count + 1);
}

function leave(atWork: Map<string, number>, agentId: string): void {
  const count = (atWork.get(agentId) ?? 1) - 1;
  if (count > 0) atWork.set(agentId, count);
  else atWork.delete(agentId);
}

/** The target as the agent wrote it, path with query; proxies may change host and scheme, never this. */
function requestTarget(url: string, raw: string | undefined): string {
  if (raw?.startsWith('/')) return raw;
  const { pathname, search } = new URL(url);
  return pathname + search;
}
