import { sealCredentials } from './seal.ts';
import type { Agent, EngineDescriptor, Server } from './types.ts';

/** Who logs in for one restore, as typed. */
export interface Account {
  user: string;
  password: string;
}

/** Seals an account for one restore to the server's agent: at the place the server has, and nowhere else. */
export function sealAccount(server: Server, agent: Agent, { password, user }: Account): Promise<string> {
  const { connection, engine, id: serverId, name } = server;
  return sealCredentials(
    { v: 1, agentId: agent.id, serverId, name, engine, connection: { ...connection, user }, password },
    agent.sealingKey,
  );
}

/** What the engine calls user and password. */
export function accountLabels({ fields }: EngineDescriptor): { user: string; password: string } {
  return {
    user: fields.find(({ name }) => name === 'user')?.label ?? 'User',
    password: fields.find(({ kind }) => kind === 'secret')?.label ?? 'Password',
  };
}
