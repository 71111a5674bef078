import { randomUUID } from 'node:crypto';
import { enrol } from '../../agent/connection/enrol.ts';
import { type AgentIdentity, ensureIdentity } from '../../agent/identity.ts';
import { protectDatabase } from '../../control-plane/db/databases.ts';
import { insertServer } from '../../control-plane/db/servers.ts';
import { temporaryState } from '../support/agent-at-peer.ts';
import type { World } from './world.ts';

export interface Token {
  id: string;
  token: string;
  command: string;
  successorOf: { id: string; name: string } | null;
}

export const code = (name: string) => ({ failure: { code: name } });

export async function newIdentity(): Promise<AgentIdentity> {
  await using state = await temporaryState();
  return await ensureIdentity(state.path);
}

/** Agents that are lost at a control plane, and tokens for their places. */
export function successions(world: () => World) {
  const newToken = (body: Record<string, unknown> = {}) => world().api.post<Token>('/enrolment-tokens', body);

  async function enrolAs(token: string, options: { succeeds?: string; identity?: AgentIdentity } = {}) {
    const identity = options.identity ?? (await newIdentity());
    const { succeeds } = options;
    const { url } = world().api;
    return enrol({ url, token, name: 'host', identity, succeeds, allowedKey: undefined });
  }

  /** A server of an agent with a protected database. */
  function addServer(agentId: string) {
    const [serverId, databaseId] = [randomUUID(), randomUUID()];
    const connection = '{"host":"h"}';
    const server = { agentId, engine: 'postgresql', connection, addedOnHost: true, createdAt: 1 };
    insertServer(world().db, { ...server, id: serverId, name: 'main', autoProtectSince: 5 });
    protectDatabase(world().db, { id: databaseId, serverId, name: 'shop', createdAt: 1, protectedAt: 1 });
    return { serverId, databaseId, server };
  }

  /** An agent that is offline, with a server, and one that was removed from it. */
  async function lostAgent() {
    const { agentId } = await enrolAs((await newToken({ name: 'db-host' })).token);
    const { server, ...ids } = addServer(agentId);
    const removedId = randomUUID();
    insertServer(world().db, { ...server, id: removedId, name: 'old', removedAt: 2 });
    return { agentId, removedId, ...ids };
  }

  const successorToken = (lost: { agentId: string }, body: Record<string, unknown> = {}) =>
    newToken({ successorOf: lost.agentId, ...body });

  return { newToken, enrolAs, addServer, lostAgent, successorToken };
}
