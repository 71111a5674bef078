import { randomUUID } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { RestoreSourceDocument } from '../../../protocol/job.ts';
import { generateVaultKey, type VaultKey } from '../../../protocol/vault/keys.ts';
import { collect, noise } from './bytes.ts';
import { backUp, manifestFor, openSource, reopen, type World, world } from './world.ts';

const MIB = 1024 * 1024;
const code = (name: string) => expect.objectContaining({ failure: expect.objectContaining({ code: name }) });

async function prepared() {
  const w = await world();
  const snapshot = await backUp(w, { dump: noise(8 * MIB) });
  const source = await w.vault.sourceFor(w.serverId, snapshot.manifest, {
    agent: w.agent,
    signer: w.agent,
    keys: w.keys,
  });
  return { w, snapshot, source };
}

async function withKeys(w: World, source: RestoreSourceDocument, keys: readonly VaultKey[]) {
  const manifest = Buffer.from(source.manifest, 'base64');
  return w.vault.sourceFor(w.serverId, manifest, { agent: w.agent, signer: w.agent, keys });
}

/** The manifest with its JSON text edited and the signature as it was. */
function edited(file: string, edit: (text: string) => string): string {
  const envelope = JSON.parse(zstdDecompressSync(Buffer.from(file, 'base64')).toString());
  envelope.manifest = edit(envelope.manifest);
  return zstdCompressSync(Buffer.from(JSON.stringify(envelope))).toString('base64');
}

describe('before anything is read, a restore refuses', () => {
  test('a manifest that was edited', async () => {
    const { w, snapshot, source } = await prepared();
    const manifest = edited(source.manifest, (text) => text.replace('"sequence":1', '"sequence":2'));
    await expect(openSource(w, { ...source, manifest }, snapshot.snapshotId)).rejects.toThrow(
      code('signature_invalid'),
    );
  });

  test('a manifest file that is damaged', async () => {
    const { w, snapshot, source } = await prepared();
    const bytes = Buffer.from(source.manifest, 'base64').subarray(0, -9);
    const manifest = bytes.toString('base64');
    await expect(openSource(w, { ...source, manifest }, snapshot.snapshotId)).rejects.toThrow(
      code('manifest_invalid'),
    );
  });

  test('a manifest by an agent whose certificate is not the one given', async () => {
    const { w, snapshot, source } = await prepared();
    const { certificate } = await w.vault.enrol();
    await expect(openSource(w, { ...source, certificate }, snapshot.snapshotId)).rejects.toThrow(
      code('signature_invalid'),
    );
  });

  test('a certificate of another vault', async () => {
    const { snapshot, source } = await prepared();
    const other = await prepared();
    await expect(openSource(other.w, source, snapshot.snapshotId)).rejects.toThrow(code('signature_invalid'));
  });

  test('another snapshot than the one asked for', async () => {
    const { w, source } = await prepared();
    await expect(openSource(w, source, randomUUID())).rejects.toThrow(code('manifest_invalid'));
  });

  test('keys that are missing, wrong, or wrapped to somebody else', async () => {
    const { w, snapshot, source } = await prepared();
    const [idKey, dataKey] = w.keys as [VaultKey, VaultKey];
    const wrong = { id: dataKey.id, secret: generateVaultKey().secret };
    for (const keys of [[idKey], [dataKey], [idKey, wrong]]) {
      const tampered = await withKeys(w, source, keys);
      await expect(openSource(w, tampered, snapshot.snapshotId)).rejects.toThrow(code('key_missing'));
    }
    const other = await w.vault.enrol();
    const agent = { ...w.agent, sealingIdentity: other.sealingIdentity };
    await expect(openSource({ ...w, agent }, source, snapshot.snapshotId)).rejects.toThrow(
      code('key_missing'),
    );
  });

  test('a chunk nobody can find, or said to lie where it cannot', async () => {
    const { w, snapshot, source } = await prepared();
    const [first, ...rest] = source.chunks as [RestoreSourceDocument['chunks'][number]];
    for (const chunks of [
      rest,
      [[first[0], 99, first[2], first[3]], ...rest],
      [[first[0], first[1], first[2], 2 ** 30], ...rest],
    ] as RestoreSourceDocument['chunks'][])
      await expect(openSource(w, { ...source, chunks }, snapshot.snapshotId)).rejects.toThrow(
        code('chunks_missing'),
      );
  });

  test('a catalog sealed for another snapshot', async () => {
    const { w, snapshot, source } = await prepared();
    const other = await backUp(w, { dump: noise(MIB, 2) });
    const stolen = JSON.parse(JSON.parse(zstdDecompressSync(other.manifest).toString()).manifest).catalog;
    const { sign } = await import('node:crypto');
    const envelope = JSON.parse(zstdDecompressSync(Buffer.from(source.manifest, 'base64')).toString());
    const text = JSON.stringify({ ...JSON.parse(envelope.manifest), catalog: stolen });
    const signature = sign(null, Buffer.from(`homeport/1 manifest\0${text}`), w.agent.key).toString(
      'base64url',
    );
    const manifest = zstdCompressSync(Buffer.from(JSON.stringify({ manifest: text, signature }))).toString(
      'base64',
    );
    await expect(openSource(w, { ...source, manifest }, snapshot.snapshotId)).rejects.toThrow(
      code('manifest_invalid'),
    );
  });
});

describe('while it reads, a restore stops at', () => {
  test('a bit flipped in a pack', async () => {
    const { w, snapshot } = await prepared();
    const pack = [...w.vault.packs.values()][0]!;
    pack[pack.length >> 1]! ^= 4;
    const opened = await reopen(w, snapshot);
    await expect(collect(opened.open('dump'))).rejects.toThrow(code('pack_corrupt'));
  });

  test('a pack that was cut short', async () => {
    const { w, snapshot } = await prepared();
    for (const [name, pack] of w.vault.packs) w.vault.packs.set(name, pack.subarray(0, pack.length >> 1));
    const opened = await reopen(w, snapshot);
    await expect(collect(opened.open('dump'))).rejects.toThrow(code('pack_corrupt'));
  });

  test('a chunk that lies where another one should', async () => {
    const { w, snapshot, source } = await prepared();
    const [a, b, ...rest] = source.chunks as [
      RestoreSourceDocument['chunks'][number],
      RestoreSourceDocument['chunks'][number],
    ];
    const chunks: RestoreSourceDocument['chunks'] = [
      [a[0], b[1], b[2], b[3]],
      [b[0], a[1], a[2], a[3]],
      ...rest,
    ];
    const opened = await openSource(w, { ...source, chunks }, snapshot.snapshotId);
    await expect(collect(opened.open('dump'))).rejects.toThrow(code('pack_corrupt'));
  });

  test('the end of a stream that is not what was backed up', async () => {
    const { w, snapshot } = await prepared();
    const content = { ...snapshot.content, streamHashes: { dump: '0'.repeat(64) } };
    const manifest = await manifestFor(w, { snapshotId: snapshot.snapshotId, content, dataKey: w.keys[1]! });
    const opened = await reopen(w, { ...snapshot, manifest });
    await expect(collect(opened.open('dump'))).rejects.toThrow(code('manifest_invalid'));
  });

  test('a stream that does not exist', async () => {
    const { w, snapshot } = await prepared();
    const opened = await reopen(w, snapshot);
    await expect(collect(opened.open('globals'))).rejects.toThrow(code('not_found'));
  });

  test('a reader that has had enough, without reading the rest', async () => {
    const w = await world();
    const snapshot = await backUp(w, { dump: noise(60 * MIB) });
    const opened = await reopen(w, snapshot);
    for await (const bytes of opened.open('dump')) {
      expect(bytes.length).toBeGreaterThan(0);
      break;
    }
    expect(w.vault.calls.getPack).toBeLessThanOrEqual(4);
  });
});
