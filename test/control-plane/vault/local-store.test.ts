import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LocalStore } from '../../../control-plane/vault/stores/local.ts';
import { failureOf, storeContract } from '../../contract/store.ts';
import { mountTmpfs } from '../../support/tmpfs.ts';

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

const folder = () => mkdtemp(join(tmpdir(), 'homeport-store-'));

storeContract('local', async () => {
  const root = await folder();
  return {
    store: new LocalStore(root),
    objects: async () => (await filesBelow(root)).length,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
});

test('a full disk is named, and what was written of the file is removed', async () => {
  const root = await folder();
  {
    await using _mounted = await mountTmpfs(root, 4);
    const store = new LocalStore(root);
    await store.put('packs/ab/small', [randomBytes(1_000_000)], { maxBytes: 1e9 });
    const parts = Array.from({ length: 16 }, () => randomBytes(700_000));
    const failure = await failureOf(store.put('packs/ab/large', parts, { maxBytes: 1e9 }));
    expect(failure.code).toBe('disk_full');
    expect(await filesBelow(root)).toEqual(['small']);
    await store.put('packs/ab/again', [randomBytes(1_000_000)], { maxBytes: 1e9 });
  }
  await rm(root, { recursive: true });
});

test('what a killed process left half-written is swept away', async () => {
  const root = await folder();
  const store = new LocalStore(root);
  await store.put('vault.json', [Buffer.from('{}')], { maxBytes: 10 });
  await mkdir(join(root, '.staging'), { recursive: true });
  await writeFile(join(root, '.staging', 'half'), 'ha');
  expect(await store.sweep()).toBe(1);
  expect(await filesBelow(root)).toEqual(['vault.json']);
  await rm(root, { recursive: true });
});
