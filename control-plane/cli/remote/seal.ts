import type { RestoreBinding, ServerCredentials } from '../../../protocol/credentials.ts';
import type { Agent, Server } from './shapes.ts';

/**
 * Seals another account of the same server to its agent, on this host: the control plane passes on what it cannot
 * open, and the agent takes it for this server and this restore alone.
 * @returns base64 of an age file
 */
export async function sealAccount(
  server: Server,
  { sealingKey }: Pick<Agent, 'sealingKey'>,
  account: { user: string; password: string; restore: RestoreBinding },
): Promise<string> {
  const { Encrypter } = await import('age-encryption');
  const credentials: ServerCredentials = {
    v: 1,
    agentId: server.agentId,
    serverId: server.id,
    name: server.name,
    engine: server.engine,
    connection: { ...server.connection, user: account.user },
    password: account.password,
    restore: account.restore,
  };
  const encrypter = new Encrypter();
  encrypter.addRecipient(sealingKey);
  return Buffer.from(await encrypter.encrypt(JSON.stringify(credentials))).toString('base64');
}
