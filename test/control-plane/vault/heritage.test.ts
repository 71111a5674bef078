import { randomBytes, randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { type HeritageTrust, openHeritage } from '../../../agent/pipeline/heritage.ts';
import type { HeritageDocument } from '../../../protocol/job.ts';
import { ed25519Raw, generateEd25519 } from '../../../protocol/keys.ts';
import { encryptTo, keyHash } from '../../../protocol/vault/keys.ts';
import { openStatement, signStatement } from '../../../protocol/vault/statement.ts';
import { failureOf } from '../../contract/store.ts';
import type { Fleet } from './fleet.ts';
import { succeed } from './succeed.ts';
import { type World, world } from './world.ts';

const dump = randomBytes(900_000);

/** Two snapshots of an agent, and its successor, which holds a backup of the same database. */
async function heirs() {
  const w = await world();
  onTestFinished(() => w[Symbol.asyncDispose]());
  const old = await w.enrol();
  await w.backUp(old, dump);
  await w.backUp(old, dump);
  return { w, old, next: await succeed(w, old) };
}

async function ask(w: World, next: Fleet): Promise<HeritageDocument> {
  const job = w.job(next);
  const attempt = { jobId: job.id, attempt: 1 };
  return w
    .client(next)
    .heritage(attempt, new AbortController().signal)
    .finally(() => w.end(job));
}

function trustOf(w: World, fleet: Fleet, predecessor: Fleet): HeritageTrust {
  const { signingKey } = openStatement('vault', w.vaults.service.statementOf(w.vaultId), 'own');
  const { databaseId, serverId } = fleet;
  return { signingKey, vaultId: w.vaultId, predecessorId: predecessor.agentId, serverId, databaseId };
}

test('a successor gets the id key, the data keys with their hashes, and the newest number', async () => {
  const { w, old, next } = await heirs();
  const document = await ask(w, next);
  const heritage = await openHeritage(document, trustOf(w, next, old), next.sealingIdentity);
  expect(heritage).toMatchObject({ sequence: 2, idKey: { id: old.idKey.id } });
  expect(heritage.idKey.secret.equals(old.idKey.secret)).toBe(true);
  expect(heritage.dataKeys).toHaveLength(2);
  for (const { id, hash } of heritage.dataKeys) expect(old.known.get(id)).toBe(hash);
  // With that its first backup uploads nothing that is there, and is one that opens.
  next.idKey = heritage.idKey;
  for (const { id, hash } of heritage.dataKeys) next.known.set(id, hash);
  const third = await w.backUp(next, dump);
  expect(w.vaults.service.snapshot(third.snapshotId)).toMatchObject({ sequence: 3, storedBytes: 0 });
  const { body } = await w.vaults.service.download(third.snapshotId);
  expect(dump.equals(Buffer.concat(await Array.fromAsync(body)))).toBe(true);
});

test('one whose predecessor made no snapshot inherits from the agent before that', async () => {
  const { w, old, next } = await heirs();
  const last = await succeed(w, next);
  const document = await ask(w, last);
  expect(document.certificates).toHaveLength(2);
  const heritage = await openHeritage(document, trustOf(w, last, next), last.sealingIdentity);
  expect(heritage.idKey.id).toBe(old.idKey.id);
  const first = document.certificates.slice(0, 1);
  const gaps = [{ certificates: document.certificates.slice(1) }, { certificates: first }];
  for (const gap of gaps) {
    const opened = openHeritage({ ...document, ...gap }, trustOf(w, last, next), last.sealingIdentity);
    expect((await failureOf(opened)).code).toBe('signature_invalid');
  }
});

test('there is nothing for an agent that succeeds nobody, a database that had no snapshot, a restore', async () => {
  const { w, old, next } = await heirs();
  const stranger = await w.enrol();
  expect((await failureOf(ask(w, stranger))).code).toBe('not_found');
  const restore = w.job(next, { kind: 'restore' });
  const asked = w.vaults.agents.heritage(next.agentId, { jobId: restore.id, attempt: 1 });
  expect((await failureOf(asked)).code).toBe('forbidden');
  const foreign = w.vaults.agents.heritage(old.agentId, { jobId: restore.id, attempt: 1 });
  expect((await failureOf(foreign)).code).toBe('not_found');
});

test('what is not proved is refused', async () => {
  const { w, old, next } = await heirs();
  const document = await ask(w, next);
  const trust = trustOf(w, next, old);
  const refused = async (change: Partial<HeritageDocument>, other: Partial<HeritageTrust> = {}) =>
    (await failureOf(openHeritage({ ...document, ...change }, { ...trust, ...other }, next.sealingIdentity)))
      .code;
  for (const about of [{ serverId: randomUUID() }, { databaseId: randomUUID() }])
    expect(await refused({}, about)).toBe('manifest_invalid');
  expect(await refused({}, { predecessorId: randomUUID() })).toBe('signature_invalid');
  expect(await refused({}, { signingKey: ed25519Raw(generateEd25519().key) })).toBe('signature_invalid');

  const thief = generateEd25519().key;
  const certificate = openStatement('agent-certificate', document.certificates[0] ?? '', trust.signingKey);
  const forged = signStatement(
    'agent-certificate',
    { ...certificate, identityKey: ed25519Raw(thief) },
    thief,
  );
  expect(await refused({ certificates: [forged] })).toBe('signature_invalid');
  const job = w.job(old, { sequence: 99 });
  const upload = { content: { ...(await emptyContent(w, next)) }, dataKey: old.idKey };
  const manifest = await w.manifest({ ...old, key: thief }, job, upload);
  expect(await refused({ manifest: manifest.toString('base64') })).toBe('signature_invalid');

  const known = randomBytes(32);
  expect(keyHash('id', known)).not.toBe(keyHash('id', old.idKey.secret));
  const planted = await encryptTo(
    [next.sealingKey],
    JSON.stringify({ [old.idKey.id]: known.toString('base64url') }),
  );
  expect(await refused({ keys: Buffer.from(planted).toString('base64') })).toBe('key_missing');
  expect(await refused({ keys: Buffer.from('junk').toString('base64') })).toBe('key_missing');
});

/** What a manifest may be made of that nobody believes anyway. */
async function emptyContent(w: World, fleet: Fleet) {
  const job = w.job(fleet);
  const { content } = await w.upload(fleet, Buffer.from('x'));
  w.end(job);
  return content;
}
