import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { generateVaultKey } from '../../../protocol/vault/keys.ts';
import { encodeTrailer, PACK_MAGIC } from '../../../protocol/vault/pack.ts';
import { seal } from '../../../protocol/vault/seal.ts';
import { failureOf } from '../../contract/store.ts';
import type { Fleet } from './fleet.ts';
import { type World, world } from './world.ts';

const signal = new AbortController().signal;

/** A pack of one chunk, as a hostile agent could make it. */
async function hostilePack(w: World, fleet: Fleet, about: { serverId?: string; rawLength?: number }) {
  const key = generateVaultKey();
  await w.putKey(fleet, key, 'data');
  const id = randomBytes(32);
  const sealed = seal(key, id, 0, randomBytes(1000));
  const { serverId = fleet.serverId, rawLength = 1000 } = about;
  const entry = { chunkId: id, keyId: key.id, offset: PACK_MAGIC.length, length: sealed.length, rawLength };
  const bytes = Buffer.concat([PACK_MAGIC, sealed, encodeTrailer(serverId, [entry])]);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex'), id };
}

test('packs for a foreign server, with a poisoned trailer or without their key are refused and not kept', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const victim = await w.enrol();
  const put = async ({ bytes, sha256 }: { bytes: Buffer; sha256: string }) =>
    (await failureOf(w.client(fleet).putPack(sha256, [bytes], signal))).code;

  const foreign = await hostilePack(w, fleet, { serverId: victim.serverId });
  expect(await put(foreign)).toBe('forbidden');
  expect(await put(await hostilePack(w, fleet, { rawLength: 2 ** 31 }))).toBe('pack_corrupt');
  const good = await hostilePack(w, fleet, {});
  expect(await put({ ...good, sha256: 'ab'.repeat(32) })).toBe('pack_corrupt');
  const cut = good.bytes.subarray(0, good.bytes.length - 1);
  expect(await put({ bytes: cut, sha256: createHash('sha256').update(cut).digest('hex') })).toBe(
    'pack_corrupt',
  );
  const huge = Buffer.alloc(33 * 1024 * 1024);
  expect(await put({ bytes: huge, sha256: 'ab'.repeat(32) })).toBe('message_too_large');
  const keyless = await hostilePack(w, fleet, {});
  keyless.bytes.fill(9, keyless.bytes.length - 28 - 60 + 32, keyless.bytes.length - 28 - 60 + 48);
  const sha256 = createHash('sha256').update(keyless.bytes).digest('hex');
  expect(await put({ bytes: keyless.bytes, sha256 })).toBe('conflict');
  expect(await w.files('.')).not.toContainEqual(expect.stringMatching(/packs|staging/));

  await w.client(fleet).putPack(good.sha256, [good.bytes], signal);
  const { agentId, serverId } = victim;
  const asked = w.vaults.agents.missing({ agentId, vaultId: w.vaultId }, serverId, good.id);
  expect(asked.equals(Buffer.alloc(16))).toBe(true);
  const mine = await w.client(fleet).missing(fleet.serverId, good.id, signal);
  expect(mine.equals(Buffer.alloc(16))).toBe(false);
  await expect(w.client(fleet).missing(victim.serverId, good.id, signal)).rejects.toThrow('forbidden');
});

test('key files must open, be named rightly and stay what they are', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const victim = await w.enrol();
  const key = generateVaultKey();
  const client = w.client(fleet);
  const junk = client.putKey(key.id, Buffer.from('junk'), signal);
  expect((await failureOf(junk)).code).toBe('invalid_input');
  const foreign = w.putKey({ ...fleet, serverId: victim.serverId }, key, 'data');
  expect((await failureOf(foreign)).code).toBe('forbidden');
  const misnamed = {
    ...client,
    putKey: (_id: string, file: Uint8Array) => client.putKey('ab'.repeat(16), file, signal),
  };
  expect((await failureOf(w.putKey(fleet, key, 'data', misnamed))).code).toBe('invalid_input');
  await w.putKey(fleet, key, 'data');
  const replaced = w.putKey(fleet, { ...key, secret: randomBytes(32) }, 'data');
  expect((await failureOf(replaced)).code).toBe('conflict');
  expect(await w.files('keys')).toHaveLength(1);
});
