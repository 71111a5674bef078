import type { Reach } from '../auth/reach.ts';
import type { Page, PageWish } from '../db/pages.ts';
import { findServerListing, pageOfServers, type ServerFilter, type ServerListing } from '../db/servers.ts';
import type { AppDeps } from '../deps.ts';
import { agentState } from './agents.ts';
import { iso, isoOrNull } from './times.ts';

type Deps = Pick<AppDeps, 'db' | 'registry' | 'autoProtect'>;

function view({ autoProtect, registry }: Deps, server: ServerListing) {
  return {
    id: server.id,
    agentId: server.agentId,
    agentName: server.agentName,
    agentState: agentState(registry, { id: server.agentId, revokedAt: server.agentRevokedAt }),
    name: server.name,
    engine: server.engine,
    connection: JSON.parse(server.connection) as Record<string, string | number | boolean>,
    addedOnHost: server.addedOnHost,
    removedFromAgent: server.removedAt !== null,
    /** Since when its agent, a successor, waits for the credentials; null where it does not. */
    awaitsCredentialsSince: isoOrNull(server.awaitsCredentialsSince),
    version: server.version,
    createdAt: iso(server.createdAt),
    databaseCount: server.databaseCount,
    /** Since when databases are protected as they appear, and what keeps them from being; null: by hand only. */
    autoProtect:
      server.autoProtectSince === null
        ? null
        : { since: iso(server.autoProtectSince), failure: autoProtect.failureOf(server.id) ?? null },
  };
}

/** A server as the API shows it. */
export type ServerView = ReturnType<typeof view>;

/** Those within reach that a search finds, by name. */
export function serversPage(
  deps: Deps,
  filter: Omit<ServerFilter, 'agentIds'>,
  { reach, ...page }: PageWish & { reach: Reach },
): Page<ServerView> {
  const { rows, total } = pageOfServers(deps.db, { ...filter, agentIds: reach.agentIds }, page);
  return { rows: rows.map((server) => view(deps, server)), total };
}

export function oneServer(deps: Deps, id: string): ServerView | undefined {
  const server = findServerListing(deps.db, id);
  return server && view(deps, server);
}
