import { createHash, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { constants, createZstdCompress } from 'node:zlib';
import { Encrypter } from 'age-encryption';
import { type SelfBackupStatement, signStatement } from '../../protocol/vault/statement.ts';

/** A file to be kept: under which name, and where it is now. */
export interface KeptFile {
  name: string;
  path: string;
}

export interface ArchiveWish {
  statement: Omit<SelfBackupStatement, 'files'>;
  files: readonly KeptFile[];
  /** The vault’s: whoever brings it back believes no other. */
  signing: KeyObject;
  /** age1… */
  recipient: string;
}

/**
 * One file for the store: age to the vault's recipient, around zstd, around the signed statement in one line and the files
 * in its order. Reads each file twice, and holds none in memory.
 */
export async function archive({
  files,
  recipient,
  signing,
  statement,
}: ArchiveWish): Promise<AsyncIterable<Uint8Array>> {
  const described: SelfBackupStatement['files'] = [];
  for (const { name, path } of files) described.push({ name, ...(await measure(path)) });
  const head = signStatement('self-backup', { ...statement, files: described }, signing);
  async function* plaintext() {
    yield Buffer.from(head);
    for (const { path } of files) yield* createReadStream(path);
  }
  const level = { [constants.ZSTD_c_compressionLevel]: 3 };
  const compressed = Readable.from(plaintext(), { objectMode: false }).compose(
    createZstdCompress({ params: level }),
  );
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return encrypter.encrypt(Readable.toWeb(compressed) as ReadableStream<Uint8Array>);
}

async function measure(path: string): Promise<{ length: number; sha256: string }> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const part of createReadStream(path)) {
    hash.update(part as Buffer);
    length += (part as Buffer).length;
  }
  return { length, sha256: hash.digest('hex') };
}
