import type { RestoreBinding } from '../../protocol/credentials.ts';
import { sealCredentials } from './seal.ts';
import type { Agent, EngineDescriptor, Server } from './types.ts';

/** Who logs in for one restore, as typed. */
export interface Account {
  user: string;
  password: string;
}

/** Seals an account to the server's agent: for one restore, at the place the server has, and for nothing else. */
export function sealAccount(
  { agent, server }: { agent: Agent; server: Server },
  { password, user }: Account,
  restore: RestoreBinding,
): Promise<string> {
  const { connection: stored, engine, id: serverId, name } = server;
  const connection = { ...stored, user };
  return sealCredentials(
    { v: 1, agentId: agent.id, serverId, name, engine, connection, password, restore },
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
