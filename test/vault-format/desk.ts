import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { recoveryFiles } from '../../control-plane/vault/recovery/files.ts';
import { type Desk, recoveryDesk } from '../support/recovery.ts';

/** Lays a vault's files out in a directory, with this version's `recover.mjs` and the kit. */
export async function layOut(files: ReadonlyMap<string, Uint8Array>, kit: string): Promise<Desk> {
  const store = await mkdtemp(join(tmpdir(), 'homeport-small-vault-'));
  try {
    for (const [name, bytes] of [...files, ...(await recoveryFiles())]) {
      await mkdir(dirname(join(store, name)), { recursive: true });
      await writeFile(join(store, name), bytes);
    }
    return await recoveryDesk(store, kit);
  } finally {
    await rm(store, { recursive: true, force: true });
  }
}
