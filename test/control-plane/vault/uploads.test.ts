import { createHash, randomBytes } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { servers } from '../../../control-plane/db/schema/fleet.ts';
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
  for (const one of [fleet, victim]) w.job(one);
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
  w.job(fleet);
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

/** Everything an upload consists of, with the codes it was refused with. */
async function uploadAll(w: World, fleet: Fleet, pack: { bytes: Buffer; sha256: string; id: Buffer }) {
  const client = w.client(fleet);
  const tries = [
    client.missing(fleet.serverId, pack.id, signal),
    w.putKey(fleet, generateVaultKey(), 'data'),
    client.putPack(pack.sha256, [pack.bytes], signal),
  ];
  const ends = await Promise.allSettled(tries);
  return ends.map((end) => (end.status === 'fulfilled' ? 'taken' : end.reason.failure.code));
}

test('only an agent at a backup of that server adds to it', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const job = w.job(fleet);
  const [early, late] = [await hostilePack(w, fleet, {}), await hostilePack(w, fleet, {})];
  const refused = ['lease_lost', 'lease_lost', 'lease_lost'];
  expect(await uploadAll(w, fleet, early)).toEqual(['taken', 'taken', 'taken']);
  w.end(job);
  expect(await uploadAll(w, fleet, late)).toEqual(refused);
  w.job(fleet, { kind: 'restore' });
  expect(await uploadAll(w, fleet, late)).toEqual(refused);
  const elsewhere = await w.enrol();
  w.db.update(servers).set({ agentId: fleet.agentId }).where(eq(servers.id, elsewhere.serverId)).run();
  w.job({ ...elsewhere, agentId: fleet.agentId });
  expect(await uploadAll(w, fleet, late)).toEqual(refused);
  expect(await w.files('packs')).toHaveLength(1);
  expect(await w.files('keys')).toHaveLength(3);

  // What was stored is acknowledged once more: the answer may have been lost.
  await w.client(fleet).putPack(early.sha256, [early.bytes], signal);
});

test('an upload that is under way when its job ends is finished, and a key repeated later is one', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const job = w.job(fleet);
  const { bytes, sha256 } = await hostilePack(w, fleet, {});
  const key = generateVaultKey();
  await w.putKey(fleet, key, 'data');
  async function* body() {
    yield bytes.subarray(0, 500);
    w.end(job);
    yield bytes.subarray(500);
  }
  const at = { agentId: fleet.agentId, vaultId: w.vaultId };
  await w.vaults.agents.putPack(at, { sha256, body: body() });
  expect(await w.files('packs')).toHaveLength(1);
  await w.putKey(fleet, key, 'data');
  expect(await w.files('keys')).toHaveLength(2);
});
