import type { RequestKind, RequestOf, ValueOf } from '../../protocol/messages.ts';
import { agentOffline } from './requests.ts';
import type { AgentSession } from './session.ts';

/** Who is online. An agent has at most one session here. */
export interface Registry {
  session(agentId: string): AgentSession | undefined;
  isOnline(agentId: string): boolean;
  sessions(): Iterable<AgentSession>;
  add(session: AgentSession): void;
  /** @returns false where another session has taken its place */
  remove(session: AgentSession): boolean;
  /** Asks an agent one question. @throws FailureError `agent_offline` among others */
  ask<K extends RequestKind>(agentId: string, kind: K, body: Omit<RequestOf<K>, 'kind'>): Promise<ValueOf<K>>;
}

export function createRegistry(): Registry {
  const online = new Map<string, AgentSession>();
  return {
    session: (agentId) => online.get(agentId),
    isOnline: (agentId) => online.has(agentId),
    sessions: () => online.values(),
    add: (session) => void online.set(session.agentId, session),
    remove: (session) => online.get(session.agentId) === session && online.delete(session.agentId),
    async ask(agentId, kind, body) {
      const session = online.get(agentId);
      if (!session) throw agentOffline();
      return session.requests.ask(kind, body);
    },
  };
}
