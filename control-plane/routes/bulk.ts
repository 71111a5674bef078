import { Readable } from 'node:stream';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { BULK_HEADERS } from '../../protocol/bulk.ts';
import { uploadFactsSchema } from '../../protocol/direct.ts';
import { fail } from '../../protocol/failure.ts';
import { free } from '../../protocol/free.ts';
import { PACK_MAX_BYTES } from '../../protocol/vault/pack.ts';
import type { BulkEnv } from '../agents/bulk-auth.ts';
import { KEY_FILE_MAX_BYTES } from '../vault/layout.ts';
import type { AgentVault, BulkAttempt, BulkPlace, OpenRange } from '../vault/service.ts';
import { bodyOf, collectBody, uploadTurns } from './bulk-body.ts';
import { signed, signedJson } from './bulk-reply.ts';

/** Chunk ids in one question. */
const MAX_IDS = 4096;
const ID_BYTES = 32;
const MAX_QUESTION_BYTES = 1024;

const UUID = '[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}';
const VAULT = `/vaults/:vault{${UUID}}`;
const PACK = `${VAULT}/packs/:sha256{[0-9a-f]{64}}` as const;
const JOB = `/jobs/:job{${UUID}}`;

/**
 * What agents move over HTTP, to be mounted at `/agent/v1`. Everything an agent relies on later, that
 * something is stored or missing, is signed.
 * @param authenticate `bulkAuth`
 */
export function bulkRoutes(vault: AgentVault, authenticate: MiddlewareHandler<BulkEnv>) {
  const replaceUpload = uploadTurns();
  return new Hono<BulkEnv>()
    .use('/vaults/*', authenticate)
    .use('/jobs/*', authenticate)
    .post(`${VAULT}/missing`, async (c) => {
      const ids = await collectBody(c, MAX_IDS * ID_BYTES);
      if (ids.length % ID_BYTES !== 0) throw invalid('The body is not a list of chunk ids.');
      return signed(c, vault.missing(placeOf(c), uuid(c.req.query('server')), ids));
    })
    .put(`${VAULT}/keys/:key{[0-9a-f]{32}}`, async (c) => {
      const file = await collectBody(c, KEY_FILE_MAX_BYTES);
      await vault.putKey(placeOf(c), param(c, 'key'), file);
      return signedJson(c, {});
    })
    .put(PACK, async (c) => {
      const sha256 = param(c, 'sha256');
      if (c.get('bodyHash') !== sha256) throw invalid('A pack is named by the hash of its bytes.');
      await vault.putPack(placeOf(c), { sha256, body: bodyOf(c, PACK_MAX_BYTES), release: free });
      return signedJson(c, {});
    })
    .post(`${PACK}/upload`, async (c) => {
      const asked = uploadFactsSchema.safeParse(jsonIn(await collectBody(c, MAX_QUESTION_BYTES)));
      if (!asked.success) throw invalid('The body does not say how large the pack is.');
      return signedJson(c, await vault.uploadWay(placeOf(c), { sha256: param(c, 'sha256'), ...asked.data }));
    })
    .post(`${PACK}/uploaded`, async (c) => {
      await collectBody(c, 0);
      await vault.uploaded(placeOf(c), param(c, 'sha256'));
      return signedJson(c, {});
    })
    .get(`${PACK}/address`, async (c) => {
      return signedJson(c, await vault.downloadWay(placeOf(c), param(c, 'sha256')));
    })
    .get(PACK, async (c) => {
      const range = rangeOf(c.req.header('range'));
      const pack = await vault.getPack(placeOf(c), param(c, 'sha256'), range);
      const last = pack.start + pack.bytes - 1;
      const headers = {
        'content-type': 'application/octet-stream',
        'content-length': String(pack.bytes),
        ...(range ? { 'content-range': `bytes ${pack.start}-${last}/${pack.length}` } : {}),
      };
      const body = Readable.toWeb(
        Readable.from(pack.body, { objectMode: false }),
      ) as ReadableStream<Uint8Array>;
      return c.body(body, range ? 206 : 200, headers);
    })
    .get(`${JOB}/source`, async (c) => {
      const source = await vault.source(c.get('agentId'), attemptOf(c));
      return signedJson(c, source);
    })
    .get(`${JOB}/heritage`, async (c) => {
      const heritage = await vault.heritage(c.get('agentId'), attemptOf(c));
      return signedJson(c, heritage);
    })
    .post(`${JOB}/commit`, async (c) => {
      const attempt = attemptOf(c);
      const most = vault.expectCommit(c.get('agentId'), attempt);
      replaceUpload(c, attempt.jobId);
      const manifest = await collectBody(c, most);
      const committed = await vault.commit(c.get('agentId'), attempt, manifest);
      return signedJson(c, committed);
    });
}

function placeOf(c: Context<BulkEnv>): BulkPlace {
  return { agentId: c.get('agentId'), vaultId: param(c, 'vault') };
}

function attemptOf(c: Context<BulkEnv>): BulkAttempt {
  const attempt = c.get('attempt');
  if (attempt === undefined) throw invalid(`The header ${BULK_HEADERS.attempt} is missing.`);
  return { jobId: param(c, 'job'), attempt };
}

function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined; // refused by whoever reads it
  }
}

function param(c: Context<BulkEnv>, name: string): string {
  const value = c.req.param(name);
  if (value === undefined) throw new Error(`the route has no parameter ${name}`);
  return value;
}

function uuid(text: string | undefined): string {
  if (text === undefined || !new RegExp(`^${UUID}$`).test(text)) throw invalid('server is not an id.');
  return text;
}

/** One range of bytes, as RFC 9110 writes it; what cannot be read counts as absent there, here it is refused. */
function rangeOf(header: string | undefined): OpenRange | undefined {
  if (header === undefined) return undefined;
  const match = /^bytes=(\d{1,10})-(\d{1,10})?$/.exec(header);
  if (!match) throw invalid('The range is not of the form bytes=first-last.');
  return { start: Number(match[1]), end: match[2] === undefined ? undefined : Number(match[2]) + 1 };
}

function invalid(message: string) {
  return fail('invalid_input', message, 'Update the agent: it and the control plane do not agree.');
}
