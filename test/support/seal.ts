import { Encrypter } from 'age-encryption';
import type { ServerCredentials } from '../../protocol/credentials.ts';

/** Seals credentials as the browser does: an age file to the agent's sealing key, base64. */
export async function sealCredentials(
  sealingKey: string,
  credentials: Omit<ServerCredentials, 'v'>,
): Promise<string> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(sealingKey);
  const file = await encrypter.encrypt(JSON.stringify({ v: 1, ...credentials }));
  return Buffer.from(file).toString('base64');
}
