import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { Decrypter } from 'age-encryption';
import { type FailureError, fail } from '../../protocol/failure.ts';
import { openStatement, type SelfBackupStatement } from '../../protocol/vault/statement.ts';
import { syncDirectory } from '../durable.ts';
import type { ReadKit } from './kit.ts';

/** What may lie in a data directory that is brought back: the mount of a vault's disk, and the lock. */
const ALLOWED = new Set(['vaults', 'lock.sqlite', 'lock.sqlite-journal', 'lost+found']);
const STAGING = '.restore-self';
export interface RestoreWish {
  /** Path of `….age`. */
  file: string;
  kit: ReadKit;
  dataDir: string;
}

/** The longest first line. Bytes. */
const MAX_HEAD = 32 * 1024 * 1024;

/**
 * Brings a control plane's data directory back from one of its backups. Everything is opened, proved and written beside
 * first; what fails leaves the directory as it was. The caller holds the lock on it.
 * @param prove looks at what is about to be the data directory; what it throws refuses it
 * @throws FailureError `conflict` where something is there, `key_missing` for another kit, `pack_corrupt` for a damaged file,
 * `signature_invalid` for one that this vault did not make
 */
export async function restoreSelf(
  { dataDir, file, kit }: RestoreWish,
  prove: (folder: string, statement: SelfBackupStatement) => Promise<void>,
): Promise<SelfBackupStatement> {
  await requireEmpty(dataDir);
  const staging = join(dataDir, STAGING);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { mode: 0o700 });
  try {
    const statement = await unpack(await opened(file, kit), kit, staging);
    await prove(staging, statement);
    // The database last: a start that finds it finds everything.
    for (const name of await readdir(staging))
      if (name === 'keys') await rename(join(staging, name), join(dataDir, name));
    for (const name of await readdir(staging)) await rename(join(staging, name), join(dataDir, name));
    await syncDirectory(dataDir);
    return statement;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function requireEmpty(dataDir: string): Promise<void> {
  const there = (await readdir(dataDir)).filter((name) => !ALLOWED.has(name) && name !== STAGING);
  if (there.length === 0) return;
  throw fail(
    'conflict',
    `The data directory ${dataDir} is not empty: it has ${there.slice(0, 3).join(', ')}.`,
    'Give an empty one (HOMEPORT_DATA), or move what is there away first. A control plane that still works needs no restore.',
  );
}

/** The plaintext, piece by piece. */
async function opened(file: string, kit: ReadKit): Promise<AsyncIterator<Buffer>> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(kit.identity);
  const sealed = Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>;
  const plain = await decrypter.decrypt(sealed).catch((cause: unknown) => {
    throw otherKit(file, kit, cause);
  });
  const stream = Readable.fromWeb(plain as Parameters<typeof Readable.fromWeb>[0]).compose(
    createZstdDecompress(),
  );
  return stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
}

async function unpack(
  parts: AsyncIterator<Buffer>,
  kit: ReadKit,
  folder: string,
): Promise<SelfBackupStatement> {
  let rest: Buffer = Buffer.alloc(0);
  const more = async (): Promise<Buffer | undefined> => {
    const next = await parts.next().catch((cause: unknown) => {
      throw damaged(cause);
    });
    return next.done ? undefined : Buffer.from(next.value);
  };
  let end = -1;
  while (end < 0) {
    const part = await more();
    if (!part || rest.length > MAX_HEAD) throw damaged();
    rest = Buffer.concat([rest, part]);
    end = rest.indexOf(10);
  }
  const statement = openStatement('self-backup', rest.subarray(0, end).toString('utf8'), kit.signingKey);
  rest = rest.subarray(end + 1);
  for (const wanted of statement.files) {
    const path = join(folder, wanted.name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const out = await open(path, 'wx', 0o600);
    try {
      const hash = createHash('sha256');
      let left = wanted.length;
      while (left > 0) {
        if (rest.length === 0) rest = (await more()) ?? Buffer.alloc(0);
        if (rest.length === 0) throw damaged();
        const piece = rest.subarray(0, left);
        rest = rest.subarray(piece.length);
        left -= piece.length;
        hash.update(piece);
        await out.writeFile(piece);
      }
      if (hash.digest('hex') !== wanted.sha256) throw damaged();
      await out.sync();
    } finally {
      await out.close();
    }
  }
  if (rest.length > 0 || (await more())) throw damaged();
  return statement;
}

function otherKit(file: string, { vaultId }: ReadKit, cause: unknown): FailureError {
  return fail(
    'key_missing',
    `${file} does not open with the kit of vault ${vaultId}, or its beginning is damaged.`,
    'Give the kit of the vault that the file is from. If it is the right one, take another file of control-plane/.',
    { cause },
  );
}

function damaged(cause?: unknown): FailureError {
  return fail(
    'pack_corrupt',
    'This backup of the control plane is damaged or not whole. Nothing was changed.',
    'Fetch the file again; if that does not help, take the one before it, or the replica’s.',
    cause === undefined ? {} : { cause },
  );
}
