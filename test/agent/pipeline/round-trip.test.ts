import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { VaultClient } from '../../../agent/pipeline/vault-client.ts';
import { fail } from '../../../protocol/failure.ts';
import { generateVaultKey } from '../../../protocol/vault/keys.ts';
import { CHUNK } from '../../../protocol/vault/seal.ts';
import { collect, noise, patterned, slices } from './bytes.ts';
import { backUp, begin, reopen, sha256, world } from './world.ts';

const MIB = 1024 * 1024;

/** A body that gives `bytes` and then stays silent. */
async function* thenSilent(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  await new Promise(() => {});
}

describe('backup and restore', () => {
  test('streams of all sizes come back byte for byte', async () => {
    const w = await world();
    const streams = {
      dump: Buffer.concat([patterned(30_000_000), randomBytes(20_000_000)]),
      small: Buffer.from('x'),
      empty: Buffer.alloc(0),
      random: randomBytes(3_000_000),
    };
    const snapshot = await backUp(w, streams);
    const opened = await reopen(w, snapshot);
    expect(opened.totalBytes).toBe(53_000_001);
    expect(opened.catalog.objectCounts).toEqual({ TABLE: 1 });
    for (const [name, bytes] of Object.entries(streams)) {
      expect(sha256(await collect(opened.open(name)))).toBe(sha256(bytes));
    }
    expect(snapshot.content.storedBytes).toBe(w.vault.storedBytes);
    expect(w.vault.packs.size).toBeGreaterThan(1);
  });

  test('an unchanged database costs next to nothing the second time', async () => {
    const w = await world();
    const dump = patterned(40_000_000);
    const first = await backUp(w, { dump });
    const second = await backUp(w, { dump });
    expect(second.content).toMatchObject({ rawBytes: dump.length, storedBytes: 0, reusedBytes: dump.length });
    expect(second.content.dataKeys.map(({ id }) => id)).toEqual([w.keys[2]!.id, w.keys[1]!.id]);
    expect(second.content.streams).toEqual(first.content.streams);
    const opened = await reopen(w, second);
    expect(sha256(await collect(opened.open('dump')))).toBe(sha256(dump));
  });

  test('a chunk that comes again in the same job is sealed once', async () => {
    const w = await world();
    const once = noise(4 * MIB);
    const { content, ...snapshot } = await backUp(w, {
      a: Buffer.concat([once, once, once]),
      b: Buffer.concat([once, Buffer.alloc(8 * MIB)]),
    });
    expect(content.rawBytes).toBe(24 * MIB);
    // The edges of each repetition may fall into chunks of their own.
    expect(content.storedBytes).toBeLessThan(once.length + 5 * CHUNK.max);
    expect(content.reusedBytes).toBeGreaterThan(24 * MIB - once.length - 8 * CHUNK.max);
    const opened = await reopen(w, snapshot);
    expect(sha256(await collect(opened.open('b')))).toBe(
      sha256(Buffer.concat([once, Buffer.alloc(8 * MIB)])),
    );
  });

  test('chunks under a key that the agent does not know are uploaded again', async () => {
    const w = await world();
    const dump = noise(3 * MIB);
    await backUp(w, { dump });
    w.known.clear();
    const again = await backUp(w, { dump });
    expect(again.content.reusedBytes).toBe(0);
    expect(again.content.storedBytes).toBeGreaterThan(dump.length);
    expect(again.content.dataKeys).toHaveLength(1);
  });

  test('more streams at once than there are slabs all come to their end', async () => {
    const w = await world();
    const names = Array.from({ length: 120 }, (_, i) => `s${i}`);
    const streams = Object.fromEntries(names.map((name, i) => [name, noise(300_000 + i * 1000, i + 1)]));
    const snapshot = await backUp(w, streams);
    const opened = await reopen(w, snapshot);
    for (const name of names) expect(sha256(await collect(opened.open(name)))).toBe(sha256(streams[name]!));
  });
});

test('a first backup asks for nothing: it could reuse no chunk that somebody else sealed', async () => {
  const w = await world();
  let asked = 0;
  const missing: VaultClient['missing'] = (server, ids) => {
    asked += 1;
    return w.vault.missing(server, ids);
  };
  const vault = { missing, putPack: w.vault.putPack.bind(w.vault) };
  const dump = noise(4 * MIB);
  const first = begin(w, { vault });
  await first.sink({ name: 'dump', format: 'test' }, slices(dump, 65536));
  expect((await first.finish()).reusedBytes).toBe(0);
  expect(asked).toBe(0);
  const second = begin(w, { vault });
  await second.sink({ name: 'dump', format: 'test' }, slices(dump, 65536));
  expect((await second.finish()).reusedBytes).toBe(dump.length);
  expect(asked).toBeGreaterThan(0);
});

test('frees what it was given, part by part', async () => {
  const w = await world();
  const parts = Array.from({ length: 40 }, (_, i) => new Uint8Array(noise(MIB, i + 1)));
  const backup = begin(w);
  await backup.sink({ name: 'dump', format: 'test' }, Readable.from(parts));
  expect(parts.filter((part) => part.length > 0)).toEqual([]);
  expect((await backup.finish()).rawBytes).toBe(40 * MIB);
});

describe('a backup that fails', () => {
  test('uploads only what is missing when it is tried again', async () => {
    const w = await world();
    const dump = noise(60 * MIB);
    const put = w.vault.putPack.bind(w.vault);
    const broken: VaultClient['putPack'] = async (...args) => {
      if (w.vault.packs.size === 2) throw fail('store_unavailable', 'The store is away.', 'Wait.');
      await put(...args);
    };
    const failing = begin(w, { vault: { missing: w.vault.missing.bind(w.vault), putPack: broken } });
    const taken = failing.sink({ name: 'dump', format: 'test' }, slices(dump, 65536)).catch(() => {});
    await taken;
    await expect(failing.finish()).rejects.toThrow('store_unavailable');
    const kept = w.vault.storedBytes;
    expect(kept).toBeGreaterThan(30 * MIB);
    const retry = await backUp(w, { dump });
    expect(retry.content.storedBytes).toBeLessThan(dump.length + MIB - kept);
    expect(retry.content.dataKeys).toHaveLength(2);
    const opened = await reopen(w, retry);
    expect(sha256(await collect(opened.open('dump')))).toBe(sha256(dump));
  });

  test('ends its sinks even while the dump is silent', async () => {
    const w = await world();
    const putPack = async () => {
      throw fail('disk_full', 'The disk is full.', 'Make room.');
    };
    const backup = begin(w, { vault: { missing: w.vault.missing.bind(w.vault), putPack } });
    const sunk = backup.sink({ name: 'dump', format: 'test' }, thenSilent(noise(40 * MIB)));
    await expect(sunk).rejects.toThrow('disk_full');
    await expect(backup.finish()).rejects.toThrow('disk_full');
  });

  test('stops at once when it is cancelled', async () => {
    const w = await world();
    const cancel = new AbortController();
    const backup = begin(w, { signal: cancel.signal });
    const sunk = backup.sink({ name: 'dump', format: 'test' }, thenSilent(noise(2 * MIB)));
    cancel.abort(fail('cancelled', 'Cancelled.', 'Start it again.'));
    await expect(sunk).rejects.toThrow('cancelled');
    await expect(backup.finish()).rejects.toThrow('cancelled');
    expect(w.vault.packs.size).toBe(0);
  });

  test('does not finish with a stream that broke off', async () => {
    const w = await world();
    const backup = begin(w);
    const breaking = (async function* () {
      yield randomBytes(1000);
      throw new Error('the tool died');
    })();
    await expect(backup.sink({ name: 'dump', format: 'test' }, breaking)).rejects.toThrow('the tool died');
    await expect(backup.finish()).rejects.toThrow('dump_incomplete');
  });

  test('says so when the answer about missing chunks makes no sense', async () => {
    const w = await world();
    await backUp(w, { dump: noise(1000) });
    const missing = async () => Buffer.alloc(5);
    const backup = begin(w, { vault: { missing, putPack: w.vault.putPack.bind(w.vault) } });
    await backup.sink({ name: 'dump', format: 'test' }, slices(noise(MIB), 65536)).catch(() => {});
    await expect(backup.finish()).rejects.toThrow('unknown_message');
  });
});

describe('memory', () => {
  test('a slow vault holds the dump back', async () => {
    const w = await world();
    let pulled = 0;
    let stored = 0;
    let most = 0;
    const body = (async function* () {
      for (let i = 0; i < 200; i += 1) {
        const bytes = noise(MIB, 1 + (i % 250));
        pulled += bytes.length;
        most = Math.max(most, pulled - stored);
        yield bytes;
      }
    })();
    const putPack: VaultClient['putPack'] = async (name, parts, signal) => {
      for (let turn = 0; turn < 300; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await w.vault.putPack(name, parts, signal);
      stored += parts[0]!.length;
    };
    const backup = begin(w, {
      vault: { missing: w.vault.missing.bind(w.vault), putPack },
      dataKey: generateVaultKey(),
    });
    await backup.sink({ name: 'dump', format: 'test' }, body);
    await backup.finish();
    expect(pulled).toBe(200 * MIB);
    expect(most).toBeLessThan((32 + 2 * 17 + 2) * MIB);
  });
});
