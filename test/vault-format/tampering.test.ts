import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Desk } from '../support/recovery.ts';
import { layOut } from './desk.ts';
import { ed25519Of, keyOf, manifestFile, manifestPath, packOf, packPath } from './fixed.ts';
import { readKit, readSnapshot } from './reader.ts';
import {
  AGENT_ID,
  AGENT_KEY,
  certificate,
  DATA_KEYS,
  keyFile,
  SERVER_ID,
  type SmallVault,
  SNAPSHOT_IDS,
  sealPiece,
  smallVault,
} from './small-vault.ts';

/** Somebody who can write to the store: nothing of his doing may come out of it as a backup. */
let vault: SmallVault;
let desk: Desk;
const [, ID] = SNAPSHOT_IDS;
const OUT = 'out.dump';

beforeAll(async () => {
  vault = await smallVault();
  desk = await layOut(vault.files, vault.kit);
});
afterAll(() => desk?.[Symbol.asyncDispose]());

const digest = (bytes: Uint8Array | undefined) =>
  createHash('sha256')
    .update(bytes ?? 'nothing')
    .digest('hex');

/** What the two readers make of the vault as it lies: the bytes, or why not. */
async function outcomes(): Promise<{ script: string; reader: string }> {
  for (const name of [OUT, `${OUT}.part`]) await rm(join(desk.path, name), { force: true });
  const { code, stderr } = await desk.recover('--kit', 'kit.txt', 'get', ID, '--out', OUT);
  expect(existsSync(join(desk.path, OUT))).toBe(code === 0);
  expect(stderr).not.toMatch(/\n\s+at /);
  const read = readSnapshot(desk.path, readKit(vault.kit), ID);
  return {
    script: code === 0 ? digest(readFileSync(join(desk.path, OUT))) : stderr,
    reader: await read.then(
      ({ streams }) => digest(streams.get('dump')),
      (error: Error) => `refused: ${error.message}`,
    ),
  };
}

/** Lays changed files (`undefined`: none) in the vault, gives what comes of it, and puts them back. */
async function meddled(changes: Record<string, Uint8Array | undefined>) {
  for (const [name, bytes] of Object.entries(changes)) await put(name, bytes);
  try {
    return await outcomes();
  } finally {
    for (const name of Object.keys(changes)) await put(name, vault.files.get(name));
  }
}

async function put(name: string, bytes: Uint8Array | undefined): Promise<void> {
  const path = join(desk.path, name);
  if (!bytes) return rm(path);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

const nameOf = (prefix: string, n = 0) =>
  [...vault.files.keys()].filter((name) => name.startsWith(prefix))[n]!;
const flipped = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes);
  copy[at < 0 ? copy.length + at : at]! ^= 1;
  return copy;
};

test('untouched, both readers give the dump', async () => {
  const right = digest(vault.streams[1].dump);
  expect(await outcomes()).toEqual({ script: right, reader: right });
});

describe('one bit', () => {
  /** First byte of each part of a file that can differ, counted from its start or (negative) from its end. */
  const parts: [what: string, file: () => string, at: number[], mayPass?: boolean][] = [
    ['key files', () => `keys/${DATA_KEYS[1].id}.age`, [0, 22, 35, 80, 125, 130, 175, 190, 200, -1]],
    ['the id key’s file', () => `keys/${vault.manifests[1].idKey.id}.age`, [40, 180, -1]],
    ['the certificate', () => `agents/${AGENT_ID}.json`, [0, 30, 120, 300, -20, -60]],
    ['the manifest', () => manifestPath(vault.manifests[1]), [0, 5, 9, 30, 60, 300, 900, 2000, -40, -80]],
    ['sealed chunks', () => nameOf('packs/', 0), [8, 24, 36, 37, 60, 98, 99, 115, 150]],
    ['a trailer', () => nameOf('packs/', 0), [-208, -160, -156, -148, -100, -40, -36, -28, -12, -9, -8, -1]],
    // Nobody needs these: an entry's key id and plaintext length, the first bytes, what the kit replaces.
    ['what is not read', () => nameOf('packs/', 0), [0, -176, -152, -28 - 1], true],
    ['the vault’s statement', () => 'vault.json', [0, 40, -10], true],
  ];

  test.for(parts)('of %s', async ([, file, places, mayPass]) => {
    const name = file();
    const right = digest(vault.streams[1].dump);
    for (const at of places) {
      const { reader, script } = await meddled({ [name]: flipped(vault.files.get(name)!, at) });
      const passed = script === right;
      if (!passed) expect(script, `${name} at ${at}`).toMatch(/Refused: /);
      if (reader !== right) expect(reader, `${name} at ${at}`).toMatch(/^refused: /);
      if (!mayPass)
        expect({ at, passed, read: reader === right }).toEqual({ at, passed: false, read: false });
    }
  });
});

describe('forgeries', () => {
  const thief = ed25519Of('somebody else');
  const refusedAs = async (changes: Record<string, Uint8Array | undefined>, why: RegExp) => {
    const { reader, script } = await meddled(changes);
    expect(script).toMatch(/Refused: /);
    expect(script).toMatch(why);
    expect(reader).toMatch(/^refused: /);
  };
  const resigned = (change: (text: SmallVault['manifests'][1]) => object, by = AGENT_KEY) => {
    const manifest = structuredClone(vault.manifests[1]);
    return { [manifestPath(manifest)]: manifestFile({ ...manifest, ...change(manifest) }, by) };
  };

  test('a certificate that the thief signed himself', () =>
    refusedAs(
      { [`agents/${AGENT_ID}.json`]: certificate(thief, thief), ...resigned(() => ({}), thief) },
      /is not signed by the vault of this kit/,
    ));

  test('a manifest signed by a key that nobody certified', () =>
    refusedAs(
      resigned(() => ({}), thief),
      /is not signed by the agent that it names/,
    ));

  test('an older manifest under the name of a newer one', () =>
    refusedAs(
      { [manifestPath(vault.manifests[1])]: vault.files.get(manifestPath(vault.manifests[0]))! },
      /describes another snapshot than its name says/,
    ));

  test('no certificate, no key, no pack', async () => {
    await refusedAs({ [`agents/${AGENT_ID}.json`]: undefined }, /agents\/.* cannot be read/);
    await refusedAs({ [`keys/${DATA_KEYS[0].id}.age`]: undefined }, /The key .* does not open/);
    await refusedAs({ [nameOf('packs/', 1)]: undefined }, /2 of the 4 chunks .* in no readable pack/);
  });

  test('a key of the thief’s own, wrapped to the vault as anybody can', async () => {
    const own = { id: DATA_KEYS[0].id, secret: keyOf('the thief’s').secret };
    const file = await keyFile(own, 'data', vault.recipient);
    await refusedAs({ [`keys/${own.id}.age`]: file }, /is not the one that the snapshot was made with/);
  });

  /** A pack in place of the first one, whose chunks are those given. */
  const inPlaceOfFirst = (chunks: Parameters<typeof packOf>[1]) => {
    const pack = packOf(SERVER_ID, chunks);
    return { [nameOf('packs/', 0)]: undefined, [packPath(pack)]: pack };
  };

  test('a sealed chunk under the id of another one', () => {
    const [head, rows] = [sealPiece('head', DATA_KEYS[0]), sealPiece('rows', DATA_KEYS[0])];
    return refusedAs(
      inPlaceOfFirst([
        { ...rows, id: head.id },
        { ...head, id: rows.id },
      ]),
      /pack .* is damaged at/,
    );
  });

  test('other bytes, sealed rightly by one who has the data key', () =>
    refusedAs(
      inPlaceOfFirst([sealPiece('tail', DATA_KEYS[0], 'head'), sealPiece('rows', DATA_KEYS[0])]),
      /it is another chunk than it should be|its length/,
    ));

  test('the agent’s own key, but the chunks in another order than the catalog’s hash has them', async () => {
    const swapped = resigned(({ streams }) => {
      const [dump, ...others] = streams;
      return { streams: [{ ...dump, chunks: dump!.chunks.toReversed() }, ...others] };
    });
    await refusedAs(swapped, /Stream dump is not the one that was backed up/);
  });

  test('lengths that do not add up, a catalog of another snapshot, a newer format', async () => {
    await refusedAs(
      resigned(({ streams: [dump, ...others] }) => ({ streams: [{ ...dump, length: 5 }, ...others] })),
      /do not add up/,
    );
    await refusedAs(
      resigned(() => ({ catalog: vault.manifests[0].catalog, catalogKey: DATA_KEYS[0].id })),
      /The catalog does not open/,
    );
    await refusedAs(
      resigned(() => ({ format: 2 })),
      /newer Homeport/,
    );
  });

  test('names that would lead out of the folder', async () => {
    await refusedAs(
      resigned(({ streams }) => ({ streams: streams.map((one) => ({ ...one, name: `../${one.name}` })) })),
      /as none can be named/,
    );
    await refusedAs(
      resigned(({ idKey }) => ({ idKey: { ...idKey, id: '../vault' } })),
      /as none can be named/,
    );
    expect(existsSync(join(desk.path, `${OUT}.part`))).toBe(false);
  });

  test('a damaged copy of a chunk does no harm where there is a good one', async () => {
    const [head, rows] = [sealPiece('head', DATA_KEYS[0]), sealPiece('rows', DATA_KEYS[0])];
    const bad = packOf(SERVER_ID, [{ ...head, sealed: flipped(head.sealed, 50) }, rows]);
    const { script } = await meddled({ [`packs/00/${'0'.repeat(64)}`]: bad });
    expect(script).toBe(digest(vault.streams[1].dump));
  });

  test('of a stream that breaks off, the parts are named as parts', async () => {
    const name = nameOf('packs/', 1);
    const pack = vault.files.get(name)!;
    await writeFile(join(desk.path, name), flipped(pack, 8 + 40));
    await rm(join(desk.path, OUT), { force: true });
    const { code, stderr } = await desk.recover('--kit', 'kit.txt', 'get', ID, '--out', OUT);
    await writeFile(join(desk.path, name), pack);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(name) });
    expect(stderr).toContain(`${OUT}.part is not whole`);
    const proved = vault.streams[1].dump!;
    const part = await readFile(join(desk.path, `${OUT}.part`));
    expect(part.equals(proved.subarray(0, part.length))).toBe(true);
    expect(part.length).toBeLessThan(proved.length);
  });

  test('a list leaves out what is forged, says so, and shows the rest', async () => {
    const path = manifestPath(vault.manifests[1]);
    await writeFile(join(desk.path, path), manifestFile(vault.manifests[1], thief));
    const { code, stderr, stdout } = await desk.recover('--kit', 'kit.txt', 'list');
    await writeFile(join(desk.path, path), vault.files.get(path)!);
    expect(code).toBe(1);
    expect(stderr).toContain(`Left out: The manifest`);
    expect(stdout.trim().split('\n')).toEqual([expect.stringContaining(SNAPSHOT_IDS[0])]);
  });
});
