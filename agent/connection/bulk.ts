import type { z } from 'zod';
import { downloadWaySchema, uploadWaySchema } from '../../protocol/direct.ts';
import { type Attempt, heritageSchema, restoreSourceSchema } from '../../protocol/job.ts';
import type { VaultClient } from '../pipeline/vault-client.ts';
import { type BulkCall, exchange, malformed, parseJson } from './bulk-exchange.ts';
import type { BulkTransport } from './bulk-transport.ts';
import type { DirectQuestions } from './direct.ts';
import type { Persistence } from './persist.ts';

/** The control plane reads trailers and index before it answers these. */
const SLOW_IDLE_MS = 5 * 60_000;
/** A restore source is one JSON text, which V8 limits to this. */
const SOURCE_LIMIT_BYTES = 512 * 1024 * 1024;
const ID_BYTES = 32;
const KEY_ID_BYTES = 16;

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
