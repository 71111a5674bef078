import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { VaultService } from '../../control-plane/vault/service.ts';
import { generateVaultKey, type VaultKey, wrapKey } from '../../protocol/vault/keys.ts';
import { openStatement } from '../../protocol/vault/statement.ts';
import { failureOf } from '../contract/store.ts';
import type { Fleet } from '../control-plane/vault/fleet.ts';
import { World, world } from '../control-plane/vault/world.ts';
import { type HttpFaults, startHttpFaults } from '../support/http-faults.ts';
import { packOf } from '../support/packs.ts';
import { anywhere, type S3Server, startS3Server } from '../support/s3.ts';

/** An agent that lies about what it put into the bucket. */
let s3: S3Server;
let faults: HttpFaults;
let w: World;
let fleet: Fleet;
let at: { agentId: string; vaultId: string };
const hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

beforeAll(async () => {
  s3 = await startS3Server();
  faults = await startHttpFaults(s3.port);
  faults.verify = true;
  class Bucketed extends World {
    override options() {
      return { ...super.options(), outgoing: anywhere };
    }
  }
  const plain = await world();
  plain.stop();
  w = new Bucketed(plain.dataDir);
  await w.start();
  const store = await s3.bucket('vault', { endpoint: `http://127.0.0.1:${faults.port}`, direct: true });
  const { id } = await (w.vaults.service as VaultService).addVault({ name: 'bucket', store });
  await w.vaults.service.useVault(id);
  fleet = await w.enrol();
  at = { agentId: fleet.agentId, vaultId: id };
  w.job(fleet);
}, 120_000);
afterAll(async () => {
  await w?.[Symbol.asyncDispose]();
  await faults?.[Symbol.asyncDispose]();
  await s3?.stop();
});

const key = (sha256: string) => `packs/${sha256.slice(0, 2)}/${sha256}`;
const stored = async (sha256: string) => (await s3.keys('vault')).includes(key(sha256));

/** Puts bytes where the control plane said, as an agent does. */
async function put(sha256: string, bytes: Uint8Array): Promise<number> {
  const way = await w.vaults.agents.uploadWay(at, { sha256, bytes: bytes.length });
  if (way.way !== 'direct') throw new Error(`the way is ${way.way}`);
  const body = Buffer.from(bytes);
  return (await fetch(way.url, { method: 'PUT', headers: way.headers, body })).status;
}

/** A pack of this server, sealed with a key that the vault has. */
async function honestPack(serverId = fleet.serverId) {
  const pack = packOf(serverId, randomBytes(50_000));
  return { sha256: pack.name, bytes: Buffer.concat(pack.parts), keyId: pack.keyId };
}

test('what was never put does not count', async () => {
  const { sha256 } = await honestPack();
  const failure = await failureOf(w.vaults.agents.uploaded(at, sha256));
  expect(failure).toMatchObject({ code: 'conflict', retryable: true });
});

test('other bytes than those of the name are refused by the bucket itself', async () => {
  const { sha256 } = await honestPack();
  expect(await put(sha256, randomBytes(1000))).toBe(400);
  expect(await stored(sha256)).toBe(false);
});

test('bytes that got under a name all the same are found out by their checksum, and removed', async () => {
  const { sha256 } = await honestPack();
  const Body = randomBytes(1000);
  const ChecksumSHA256 = createHash('sha256').update(Body).digest('base64');
  const object = { Bucket: 'vault', Key: key(sha256), Body, ChecksumSHA256, ChecksumAlgorithm: 'SHA256' };
  await s3.client.send(new PutObjectCommand(object as ConstructorParameters<typeof PutObjectCommand>[0]));
  expect((await failureOf(w.vaults.agents.uploaded(at, sha256))).code).toBe('pack_corrupt');
  expect(await stored(sha256)).toBe(false);
});

test('what is no pack is removed', async () => {
  const bytes = randomBytes(5000);
  expect(await put(hex(bytes), bytes)).toBe(200);
  expect((await failureOf(w.vaults.agents.uploaded(at, hex(bytes)))).code).toBe('pack_corrupt');
  expect(await stored(hex(bytes))).toBe(false);
});

test('a pack of another server is removed', async () => {
  const { bytes, sha256 } = await honestPack(randomUUID());
  expect(await put(sha256, bytes)).toBe(200);
  expect((await failureOf(w.vaults.agents.uploaded(at, sha256))).code).toBe('forbidden');
  expect(await stored(sha256)).toBe(false);
});

test('a pack whose key the vault lacks does not count before it has it; what is there is never put again', async () => {
  const dataKey = generateVaultKey();
  const { bytes, sha256 } = await sealedWith(dataKey);
  expect(await put(sha256, bytes)).toBe(200);
  expect((await failureOf(w.vaults.agents.uploaded(at, sha256))).code).toBe('conflict');
  expect(await put(sha256, bytes)).toBe(412);
  const { recipients } = openStatement('vault', w.vaults.service.statementOf(at.vaultId), 'own');
  const file = await wrapKey(dataKey, { kind: 'data', serverId: fleet.serverId }, recipients);
  await w.vaults.agents.putKey(at, dataKey.id, file);
  await w.vaults.agents.uploaded(at, sha256);
  await w.vaults.agents.uploaded(at, sha256);
  expect(await w.vaults.agents.uploadWay(at, { sha256, bytes: bytes.length })).toEqual({ way: 'stored' });
});

test('without a backup under way nobody gets an address, and without a restore none to read', async () => {
  const { sha256 } = await honestPack();
  const idle = { ...at, agentId: (await w.enrol()).agentId };
  const way = w.vaults.agents.uploadWay(idle, { sha256, bytes: 100 });
  expect((await failureOf(way)).code).toBe('lease_lost');
  expect((await failureOf(w.vaults.agents.downloadWay(at, sha256))).code).toBe('forbidden');
  const large = w.vaults.agents.uploadWay(at, { sha256, bytes: 33 * 1024 * 1024 });
  expect((await failureOf(large)).code).toBe('message_too_large');
});

async function sealedWith(dataKey: VaultKey) {
  const pack = packOf(fleet.serverId, randomBytes(50_000), dataKey);
  return { sha256: pack.name, bytes: Buffer.concat(pack.parts) };
}
