import { expect, test } from 'vitest';
import { storeLockQueries } from '../../../control-plane/db/store-locks.ts';
import { createS3Client } from '../../../control-plane/vault/stores/s3-client.ts';
import { createDirectAccess } from '../../../control-plane/vault/stores/s3-direct.ts';
import { S3Lock } from '../../../control-plane/vault/stores/s3-lock.ts';
import { s3OptionsSchema } from '../../../control-plane/vault/stores/s3-options.ts';
import { createOutgoing } from '../../../protocol/outgoing.ts';
import { world } from './world.ts';

/** What needs no S3 server; the rest is in test/matrix/s3-lock.test.ts. */
const NOW = Date.parse('2027-03-01T12:00:00.250Z');
const DAY = 24 * 60 * 60_000;
const PACK = `packs/ab/ab${'0'.repeat(62)}`;
const id = '0b0e1f5e-6d9a-4a56-9d5c-3f1f4a0d1c11';
const MANIFEST = `snapshots/${id}-shop/20270301T120000Z-${id}.json.zst`;
const options = s3OptionsSchema.parse({
  ...{ kind: 's3', bucket: 'backups', accessKeyId: 'AKID', secretAccessKey: 'secret' },
  lock: { days: 30 },
});

function lockOf() {
  const client = createS3Client(options, createOutgoing(false), 'short');
  const at = (Key: string) => ({ Bucket: options.bucket, Key });
  const bucket = { client, options, at, hash: async () => '' };
  return { bucket, client, lock: new S3Lock(bucket, options.lock!, { now: () => NOW }) };
}

test('days are for manifests, whatever else is locked for some longer, and test files for minutes', () => {
  const { lock } = lockOf();
  const until = (name: string) => lock.terms(name).ObjectLockRetainUntilDate.getTime() - NOW;
  expect(until(MANIFEST)).toBe(30 * DAY + 750);
  for (const name of [PACK, 'vault.json', 'recover.mjs', 'keys/00.age'])
    expect(until(name)).toBe(38 * DAY + 750);
  expect(until('packs/homeport-test-1')).toBe(5 * 60_000 + 750);
  expect(lock.terms(PACK).ObjectLockMode).toBe('GOVERNANCE');
});

test('an agent is told the headers of its upload exactly as they are signed', async () => {
  const { bucket, client, lock } = lockOf();
  let signed: Record<string, string> = {};
  client.middlewareStack.add(
    (next) => (args) => {
      signed = { ...(args.request as { headers: Record<string, string> }).headers };
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'seeHeaders' },
  );
  const direct = createDirectAccess({ ...bucket, lock, remove: async () => {} });
  const { headers, url } = await direct.uploadAddress(PACK, 'ab'.repeat(32));
  const named = new URL(url).searchParams.get('X-Amz-SignedHeaders')?.split(';');
  expect(named).toEqual(expect.arrayContaining(Object.keys(headers)));
  expect(headers['x-amz-object-lock-retain-until-date']).toBe('2027-04-08T12:00:01Z');
  for (const [name, value] of Object.entries(headers)) expect(signed[name], name).toBe(value);
});

test('locks are noted by place, the newest word for each file', async () => {
  await using w = await world();
  const notes = storeLockQueries(w.db);
  notes.note('here', PACK, { mode: 'governance', until: 1 });
  notes.note('here', PACK, { mode: 'compliance', until: 2 });
  notes.note('there', PACK, { mode: 'governance', until: 3 });
  expect(notes.of('here', PACK)).toEqual({ mode: 'compliance', until: 2 });
  notes.forget('here');
  expect(notes.of('here', PACK)).toBeUndefined();
  notes.forget('there', 'vault.json');
  expect(notes.of('there', PACK)).toEqual({ mode: 'governance', until: 3 });
});
