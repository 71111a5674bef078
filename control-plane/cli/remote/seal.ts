import type { RestoreBinding, ServerCredentials } from '../../../protocol/credentials.ts';
import type { Agent, Server } from './shapes.ts';

type Sealer = Pick<Agent, 'sealingKey'>;

/**
 * Seals another account of the same server to its agent, on this host: the control plane passes on what it cannot
 * open, and the agent takes it for this server and this restore alone.
 * @returns base64 of an age file
 */
export function sealAccount(
  server: Server,
  agent: Sealer,
  { password, restore, user }: { user: string; password: string; restore: RestoreBinding },
): Promise<string> {
  const connection = { ...server.connection, user };
  return seal({ ...about(server), connection, password, restore }, agent);
}

/** Seals what a server's agent is to log in with from now on. @returns base64 of an age file */
export function sealServer(
  server: Server,
  agent: Sealer,
  login: Pick<ServerCredentials, 'connection' | 'password'>,
): Promise<string> {
  return seal({ ...about(server), ...login }, agent);
}

function about({ agentId, engine, id, name }: Server) {
  return { v: 1, agentId, serverId: id, name, engine } as const;
}

async function seal(credentials: ServerCredentials, { sealingKey }: Sealer): Promise<string> {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  encrypter.addRecipient(sealingKey);
  return Buffer.from(await encrypter.encrypt(JSON.stringify(credentials))).toString('base64');
}
