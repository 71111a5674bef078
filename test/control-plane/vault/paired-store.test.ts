import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packName } from '../../../control-plane/vault/layout.ts';
import { PairedStore } from '../../../control-plane/vault/replicas/paired-store.ts';
import { LocalStore } from '../../../control-plane/vault/stores/local.ts';
import { fail } from '../../../protocol/failure.ts';
import { storeContract } from '../../contract/store.ts';

const folder = () => mkdtemp(join(tmpdir(), 'homeport-paired-'));
const maxBytes = 1e9;

storeContract('paired', async () => {
  const [root, second] = [await folder(), await folder()];
  return {
    store: new PairedStore(new LocalStore(root), new LocalStore(second)),
    objects: async () => {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).length;
    },
    async [Symbol.asyncDispose]() {
      await rm(root, { recursive: true });
      await rm(second, { recursive: true });
    },
  };
});

/** A store whose reads break off, as one does whose disk or line fails. */
class Failing extends LocalStore {
  override async *stream(name: string): AsyncGenerator<Buffer, void> {
    yield (await this.read(name)).subarray(0, 1000);
    throw fail('store_unavailable', 'The line is cut.', 'Mend it.');
  }
}

test('a stream that breaks off goes on where it was, from the replica', async () => {
  const [root, second] = [await folder(), await folder()];
  const store = new PairedStore(new Failing(root), new LocalStore(second));
  const bytes = randomBytes(3_000_000);
  for (const one of [store.primary, store.replica!]) await one.put('packs/ab/one', [bytes], { maxBytes });
  const parts = await Array.fromAsync(store.stream('packs/ab/one'));
  expect(bytes.equals(Buffer.concat(parts))).toBe(true);
  await Promise.all([root, second].map((path) => rm(path, { recursive: true })));
});

test('what is written while the two are about to change places is in both, and what ends later comes along', async () => {
  const [root, second] = [await folder(), await folder()];
  const store = new PairedStore(new LocalStore(root), new LocalStore(second));
  const bytes = randomBytes(1000);
  const name = packName(createHash('sha256').update(bytes).digest('hex'));
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  async function* slowly() {
    yield bytes;
    await held;
  }
  const late = store.put(name, slowly(), { maxBytes });
  store.mirror(true);
  await store.put('vault.json', [Buffer.from('{}')], { maxBytes });
  expect(await store.replica?.size('vault.json')).toBe(2);
  store.swap();
  store.mirror(false);
  letGo();
  await late;
  expect(await store.primary.size(name)).toBe(1000);
  await Promise.all([root, second].map((path) => rm(path, { recursive: true })));
});
