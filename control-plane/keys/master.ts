import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fail } from '../../protocol/failure.ts';
import { writeDurably } from '../durable.ts';
import { keysFolder } from './folder.ts';

/** What keeps the private keys in `<data>/keys` from whoever only copies the directory's other files. */
export interface MasterKey {
  /** AES-256-GCM under a key of its own per label; the text of a JSON file. */
  seal(label: string, text: string): string;
  /** @throws FailureError `key_missing` where the file was sealed under another key or label, or changed */
  open(label: string, sealed: string): string;
  /** 32 bytes for another purpose, HKDF-SHA-256. */
  derive(purpose: string): Buffer;
}

const sealedSchema = z.object({ v: z.literal(1), nonce: z.base64(), tag: z.base64(), data: z.base64() });

export function createMasterKey(secret: Uint8Array): MasterKey {
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, '', purpose, 32));
  return {
    derive: (purpose) => derive(`homeport/1 derive ${purpose}`),
    seal(label, text) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', derive(`homeport/1 seal ${label}`), nonce);
      const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      const base64 = (bytes: Buffer) => bytes.toString('base64');
      return `${JSON.stringify({ v: 1, nonce: base64(nonce), tag: base64(cipher.getAuthTag()), data: base64(data) })}\n`;
    },
    open(label, sealed) {
      try {
        const file = sealedSchema.parse(JSON.parse(sealed));
        const key = derive(`homeport/1 seal ${label}`);
        const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(file.nonce, 'base64'), {
          authTagLength: 16,
        });
        decipher.setAuthTag(Buffer.from(file.tag, 'base64'));
        return decipher.update(file.data, 'base64', 'utf8') + decipher.final('utf8');
      } catch (cause) {
        throw fail(
          'key_missing',
          `The key file “${label}” does not open with this master key.`,
          'Put back the keys/master.key (or HOMEPORT_MASTER_KEY, or its file) this data directory was made with.',
          { cause },
        );
      }
    },
  };
}

/** Where an operator keeps the master key, if not in the data directory. */
export interface MasterKeySource {
  /** 32 bytes, base64. */
  masterKey?: string | undefined;
  /** Path of a file that holds them. */
  masterKeyFile?: string | undefined;
}

/**
 * The master key from where the operator keeps it, or from `<data>/keys/master.key`, which is made where it is nowhere.
 * @throws FailureError `invalid_input` for a file that cannot be read, or a key that is not 32 bytes
 */
export async function loadMasterKey(dataDir: string, source: MasterKeySource = {}): Promise<MasterKey> {
  const directory = keysFolder(dataDir);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { masterKey, masterKeyFile } = source;
  if (masterKey !== undefined) return createMasterKey(decode(masterKey, 'HOMEPORT_MASTER_KEY'));
  if (masterKeyFile !== undefined) {
    return createMasterKey(decode(await readGiven(masterKeyFile), masterKeyFile));
  }
  const path = join(directory, 'master.key');
  const existing = await readIfThere(path);
  if (existing !== undefined) return createMasterKey(decode(existing, path));
  const secret = randomBytes(32);
  await writeDurably(path, `${secret.toString('base64')}\n`);
  return createMasterKey(secret);
}

/** One that is not there is not made: a mount that failed must not leave the data under another key. */
async function readGiven(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    const hint = `HOMEPORT_MASTER_KEY_FILE names a file that user ${process.getuid?.()} may read, made with: openssl rand -base64 32`;
    const message = `The master key cannot be read: ${(cause as Error).message}`;
    throw fail('invalid_input', message, hint, { cause });
  });
}

/** A file's text, or undefined where there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function decode(text: string, source: string): Buffer {
  const secret = Buffer.from(text.trim(), 'base64');
  if (secret.length !== 32) {
    throw fail(
      'invalid_input',
      `${source} is not 32 bytes in base64.`,
      'Make a key with: openssl rand -base64 32',
    );
  }
  return secret;
}
