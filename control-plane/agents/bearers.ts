import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';

/** How long a bearer outlives its renewal or its connection, in milliseconds. */
export const BEARER_GRACE_MS = 60_000;

/** Whom a bulk request is from, and the key of the connection it belongs to. */
export interface BulkParty {
  agentId: string;
  bulkKey: Buffer;
}

/** Bearers of the bulk endpoints. Only in memory: a restart makes agents shake hands anew. */
export interface Bearers {
  /** A new bearer; the connection's earlier ones stay good for the grace. */
  issue(connectionId: string, party: BulkParty): string;
  find(session: string): BulkParty | undefined;
  /** The connection is lost: its bearers end after the grace, so that running uploads can finish. */
  fade(connectionId: string): void;
  /** Ends all bearers of an agent at once: superseded or revoked. */
  drop(agentId: string): void;
}

interface Entry {
  party: BulkParty;
  connectionId: string;
  cancelExpiry: (() => void) | undefined;
}

export function createBearers(clock: Clock): Bearers {
  const entries = new Map<string, Entry>();

  function fadeWhere(connectionId: string) {
    for (const [session, entry] of entries) {
      if (entry.connectionId !== connectionId || entry.cancelExpiry) continue;
      entry.cancelExpiry = clock.after(BEARER_GRACE_MS, () => entries.delete(session));
    }
  }

  return {
    issue(connectionId, party) {
      fadeWhere(connectionId);
      const session = randomBytes(32).toString('base64url');
      entries.set(session, { party, connectionId, cancelExpiry: undefined });
      return session;
    },
    find: (session) => entries.get(session)?.party,
    fade: fadeWhere,
    drop(agentId) {
      for (const [session, entry] of entries) {
        if (entry.party.agentId !== agentId) continue;
        entry.cancelExpiry?.();
        entries.delete(session);
      }
    },
  };
}
