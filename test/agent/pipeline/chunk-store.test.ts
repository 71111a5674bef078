import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ChunkStore } from '../../../agent/pipeline/chunk-store.ts';
import { chunkId, generateVaultKey } from '../../../protocol/vault/keys.ts';
import { CHUNK } from '../../../protocol/vault/seal.ts';
import { noise } from './bytes.ts';

const idKey = generateVaultKey();

/** Sixteen of the longest chunks fill a batch and, with the last of them, a pack; one more is asked for apart. */
function chunks() {
  return Array.from({ length: 17 }, (_, i) => {
    const slab = noise(CHUNK.max, i + 1);
    return { id: chunkId(idKey.secret, slab), slab, length: slab.length };
  });
}

describe('a chunk store', () => {
  // The pack is closed while its last chunk is sealed: k turns later, sealing is just coming to rest.
  test.each(Array.from({ length: 12 }, (_, k) => k))(
    'goes on with an answer that comes %i turns after the last chunk was sealed',
    async (turns) => {
      const answer = Promise.withResolvers<Buffer>();
      const packs: number[] = [];
      let asked = 0;
      const store = new ChunkStore({
        serverId: randomUUID(),
        idKey,
        dataKey: generateVaultKey(),
        knownDataKeys: new Map([['ab'.repeat(16), 'cd'.repeat(32)]]), // or nothing would be asked
        signal: new AbortController().signal,
        progress: { rawBytes: 0, storedBytes: 0, reusedBytes: 0 },
        onProgress: () => {},
        onError: answer.reject,
        vault: {
          missing: async (_server, ids) => {
            asked += 1;
            return asked === 1 ? Buffer.alloc(ids.length / 2) : answer.promise;
          },
          putPack: async (_name, parts) => {
            packs.push(parts[0]!.length);
            for (let turn = 0; turn < turns; turn += 1) await undefined;
            answer.resolve(Buffer.alloc(16));
          },
        },
      });
      for (const chunk of chunks()) store.add(chunk);
      await store.finish();
      expect(packs).toHaveLength(2);
    },
    5_000,
  );
});
