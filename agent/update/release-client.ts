import { type SignedManifest, signedManifestSchema } from '../../protocol/release.ts';
import { exchange, malformed, parseJson } from '../connection/bulk-exchange.ts';
import type { BulkTransport } from '../connection/bulk-transport.ts';
import type { Persistence } from '../connection/persist.ts';

/** The control plane's build, over the authenticated connection. Lost connections are waited for. */
export interface ReleaseClient {
  manifest(signal: AbortSignal): Promise<SignedManifest>;
  /** Some bytes of one of its files. They prove themselves: the signed manifest has the whole file's SHA-256. */
  part(name: string, range: { offset: number; length: number }, signal: AbortSignal): Promise<Buffer>;
}

const PATH = '/agent/v1/release';
/** Room for a manifest in JSON in JSON. */
const MANIFEST_REPLY_BYTES = 256 * 1024;

export function createReleaseClient(transport: BulkTransport, persist: Persistence): ReleaseClient {
  return {
    async manifest(signal) {
      const call = { method: 'GET', path: PATH, replyLimit: MANIFEST_REPLY_BYTES } as const;
      const { body } = await persist((session) => exchange(transport, call, { session, signal }), signal);
      const parsed = signedManifestSchema.safeParse(parseJson(body));
      if (!parsed.success) throw malformed('release');
      return parsed.data;
    },
    async part(name, { length, offset }, signal) {
      const range = `bytes=${offset}-${offset + length - 1}`;
      const path = `${PATH}/${name}`;
      const call = { method: 'GET', path, range, replyLimit: length, unsigned: true } as const;
      const { body } = await persist((session) => exchange(transport, call, { session, signal }), signal);
      if (body.length !== length) throw malformed('release');
      return body;
    },
  };
}
