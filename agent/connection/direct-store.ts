import { createOutgoing } from '../../protocol/outgoing.ts';
import { type BulkTransport, createBulkTransport, type WireReply } from './bulk-transport.ts';
import type { OutgoingProxy } from './proxy.ts';

const IDLE_MS = 60_000;
/** An answer to an upload is empty, or a short error. */
const ANSWER_BYTES = 64 * 1024;
/** Headers that the control plane may have sent along with a pack: none that another kind of server acts on. */
const HEADER = /^(?:if-none-match|x-amz-[a-z0-9-]+)$/;

/** Origins whose connections are kept; a vault has one. */
const ORIGINS = 4;
/** On this host and its link are services that trust whoever reaches them; a store for several hosts is elsewhere. */
const OUTGOING = createOutgoing(false);

/** The store did not do what was asked; it may the next time. */
export class StoreFault extends Error {
  override readonly name = 'StoreFault';
}

export interface StoreRequest {
  method: 'GET' | 'PUT';
  headers: Record<string, string>;
  body: readonly Uint8Array[];
  /** Bytes the answer may have. */
  replyLimit?: number;
}

/** Requests to stores, by addresses that the control plane signed. Connections are kept and reused. */
export interface DirectStores {
  /** @throws StoreFault where nothing came of it, or where the address is one that no store has */
  exchange(url: string, request: StoreRequest, signal: AbortSignal): Promise<WireReply>;
  close(): void;
}

/**
 * @param proxyTo what an origin is reached through; directly where it gives nothing
 * @param connect opens the way to an origin
 */
export function createDirectStores(
  proxyTo: (origin: URL) => OutgoingProxy | undefined = () => undefined,
  connect = createBulkTransport,
): DirectStores {
  const transports = new Map<string, BulkTransport>();
  const closeAll = () => {
    for (const transport of transports.values()) transport.close();
    transports.clear();
  };
  // A proxy looks the store up itself, and may well be on this host.
  const open = (origin: URL) => {
    const proxy = proxyTo(origin);
    return connect(origin, proxy ? { proxy } : { lookup: OUTGOING.lookup });
  };
  const transportTo = (origin: string) => {
    if (!transports.has(origin) && transports.size >= ORIGINS) closeAll();
    const known = transports.get(origin) ?? open(new URL(origin));
    transports.set(origin, known);
    return known;
  };
  return {
    async exchange(address, { body, headers, method, replyLimit = 0 }, signal) {
      const url = new URL(address);
      const allowed = Object.entries(headers).filter(([name]) => name === 'range' || HEADER.test(name));
      const wire = {
        ...{ method, body, path: url.pathname + url.search, idleMs: IDLE_MS },
        headers: Object.fromEntries(allowed),
        replyLimit: Math.max(replyLimit, ANSWER_BYTES),
      };
      try {
        OUTGOING.requireHost(url.hostname);
        return await transportTo(url.origin).exchange(wire, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw new StoreFault(error instanceof Error ? error.message : String(error), { cause: error });
      }
    },
    close: closeAll,
  };
}
