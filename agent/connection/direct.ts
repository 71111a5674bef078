import type { DownloadWay, UploadWay } from '../../protocol/direct.ts';
import { type Clock, pause } from '../clock.ts';
import type { VaultClient } from '../pipeline/vault-client.ts';
import { fullJitter } from './backoff.ts';
import type { WireReply } from './bulk-transport.ts';
import { type DirectStores, StoreFault } from './direct-store.ts';

/** Tries at the store before a pack goes through the control plane instead, which is patient by itself. */
const TRIES = 5;
/** Addresses of packs that are remembered. */
const REMEMBERED = 64;

/** What is asked of the control plane; it signs its answers. */
export interface DirectQuestions {
  upload(sha256: string, bytes: number, signal: AbortSignal): Promise<UploadWay>;
  /** The pack is in the store: from now on it may count. */
  uploaded(sha256: string, signal: AbortSignal): Promise<void>;
  download(sha256: string, signal: AbortSignal): Promise<DownloadWay>;
}

export interface DirectOptions {
  ask: DirectQuestions;
  stores: DirectStores;
  clock: Clock;
  /** Told once, where the store cannot be used from here: all goes through the control plane then. */
  onGivenUp(reason: string): void;
}

/**
 * A vault whose packs travel between this agent and the store, without the control plane in between; where that
 * does not work, through the control plane as ever. For one job.
 */
export function withDirectTransfer(vault: VaultClient, options: DirectOptions): VaultClient {
  const { ask, stores } = options;
  const persist = createPersistence(options);
  const urls = createUrls(ask);
  return {
    ...vault,
    async putPack(sha256, parts, signal) {
      const bytes = parts.reduce((sum, part) => sum + part.length, 0);
      const stored = await persist(async () => {
        const way = await ask.upload(sha256, bytes, signal);
        if (way.way !== 'direct') return way.way;
        const { headers, url } = way;
        const reply = await stores.exchange(url, { method: 'PUT', headers, body: parts }, signal);
        // 412: it is there, put by an earlier try whose answer was lost.
        const done = reply.status === 412 || (reply.status === 200 && !reply.body.includes('<Error>'));
        if (!done) throw refused(reply);
        await ask.uploaded(sha256, signal);
        return 'stored';
      }, signal);
      if (stored === 'relay') await vault.putPack(sha256, parts, signal);
    },
    async getPack(sha256, range, signal) {
      const { offset, length } = range;
      const headers = { range: `bytes=${offset}-${offset + length - 1}` };
      const bytes = await persist(async () => {
        const url = await urls.of(sha256, signal);
        if (url === undefined) return 'relay';
        try {
          const wire = { method: 'GET', headers, body: [], replyLimit: length } as const;
          const reply = await stores.exchange(url, wire, signal);
          if (reply.status !== 206 || reply.body.length !== length) throw refused(reply);
          return reply.body;
        } catch (error) {
          urls.forget(sha256); // it may have expired
          throw error;
        }
      }, signal);
      return bytes === 'relay' ? vault.getPack(sha256, range, signal) : bytes;
    },
  };
}

/** Runs tries until one succeeds; `relay` once the store has failed too often, and from then on at once. */
function createPersistence({ clock, onGivenUp }: DirectOptions) {
  let givenUp = false;
  return async <T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T | 'relay'> => {
    for (let tries = 0; !givenUp; tries += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof StoreFault)) throw error;
        if (tries + 1 < TRIES) await pause(clock, fullJitter(tries), signal);
        else if (!givenUp) {
          givenUp = true;
          onGivenUp(error.message);
        }
      }
    }
    return 'relay';
  };
}

/** Addresses of packs, asked for once and good for many reads. */
function createUrls(ask: DirectQuestions) {
  const known = new Map<string, string>();
  return {
    async of(sha256: string, signal: AbortSignal): Promise<string | undefined> {
      const url = known.get(sha256);
      if (url !== undefined) return url;
      const way = await ask.download(sha256, signal);
      if (way.way === 'relay') return undefined;
      known.set(sha256, way.url);
      for (const oldest of known.keys()) {
        if (known.size <= REMEMBERED) break;
        known.delete(oldest);
      }
      return way.url;
    },
    forget: (sha256: string) => void known.delete(sha256),
  };
}

/** What it said is the store's own text: only its code is passed on. */
function refused({ body, status }: WireReply): StoreFault {
  const code = /<Code>([A-Za-z0-9]{1,64})<\/Code>/.exec(body.subarray(0, 4096).toString('latin1'))?.[1];
  return new StoreFault(`The store answered ${status}${code ? ` ${code}` : ''}.`);
}
