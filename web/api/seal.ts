import type { ServerCredentials } from '../../protocol/credentials.ts';

/**
 * Seals credentials to one agent's key, in this browser: the control plane passes on what it cannot open.
 * @returns base64 of an age file
 */
export async function sealCredentials(credentials: ServerCredentials, sealingKey: string): Promise<string> {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  encrypter.addRecipient(sealingKey);
  const sealed = await encrypter.encrypt(JSON.stringify(credentials));
  let binary = '';
  for (const byte of sealed) binary += String.fromCharCode(byte);
  return btoa(binary);
}
