import type { Reach } from '../auth/reach.ts';
import type { Page, PageWish } from '../db/pages.ts';
import { choicesOf } from '../db/policies.ts';
import { findServerListing, pageOfServers, type ServerFilter, type ServerListing } from '../db/servers.ts';
import type { AppDeps } from '../deps.ts';
import type { Choice } from '../policies/effective.ts';
import { agentState } from './agents.ts';
import { choiceView } from './policies.ts';
import { iso, isoOrNull } from './times.ts';

type Deps = Pick<AppDeps, 'db' | 'registry' | 'autoProtect'>;

function view({ autoProtect, registry }: Deps, server: ServerListing, choice: Choice | undefined) {
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
    policyChoice: choiceView(choice),
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

function views(deps: Deps, servers: ServerListing[]): ServerView[] {
  const ids = servers.map(({ id }) => id);
  const choices = choicesOf(deps.db, 'server', ids);
  return servers.map((server) => view(deps, server, choices.get(server.id)));
}

/** Those within reach that a search finds, by name. */
export function serversPage(
  deps: Deps,
  filter: Omit<ServerFilter, 'agentIds'>,
  { reach, ...page }: PageWish & { reach: Reach },
): Page<ServerView> {
  const { rows, total } = pageOfServers(deps.db, { ...filter, agentIds: reach.agentIds }, page);
  return { rows: views(deps, rows), total };
}

export function oneServer(deps: Deps, id: string): ServerView | undefined {
  const server = findServerListing(deps.db, id);
  return server && views(deps, [server])[0];
}
