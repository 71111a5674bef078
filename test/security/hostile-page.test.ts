import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createApiKey, HOST_USER } from '../../control-plane/auth/api-keys.ts';
import { createAuth } from '../../control-plane/auth/auth.ts';
import type { PrincipalEnv } from '../../control-plane/auth/principal.ts';
import { EVERYWHERE } from '../../control-plane/auth/reach.ts';
import { createOwner, createSetupLink } from '../../control-plane/auth/setup.ts';
import { deleteApiKey } from '../../control-plane/db/api-keys.ts';
import { closeDb, DATABASE_FILE, openDb } from '../../control-plane/db/open.ts';
import { createEvents } from '../../control-plane/events.ts';
import { errorHandler } from '../../control-plane/http/errors.ts';
import { createMasterKey } from '../../control-plane/keys/master.ts';
import { createLogger } from '../../control-plane/log.ts';
import { eventRoutes } from '../../control-plane/routes/events.ts';
import { startWorld } from '../control-plane/world.ts';
import { createFakeClock } from '../support/fake-clock.ts';

/** The event stream's route with what it is made of, on a clock of the test's. */
async function stream() {
  const db = openDb(':memory:');
  onTestFinished(() => closeDb(db));
  const master = createMasterKey(Buffer.alloc(32, 1));
  const log = createLogger('silent');
  const auth = createAuth({ db, master, url: 'http://127.0.0.1', origins: [], log });
  const { id, key } = await createApiKey(auth, { name: 'reader', userId: HOST_USER });
  const [clock, events] = [createFakeClock(), createEvents(() => {})];
  const app = new Hono<PrincipalEnv>()
    .use('*', async (c, next) => {
      c.set('reach', EVERYWHERE);
      await next();
    })
    .route('/', eventRoutes({ auth, clock, db, events }));
  const response = await app.request('/events', { headers: { authorization: `Bearer ${key}` } });
  const body = response.body as ReadableStream<Uint8Array>;
  return { db, clock, events, body, keyId: id };
}

describe('the event stream', () => {
  test('ends for a key that was revoked', async () => {
    const { body, clock, db, events, keyId } = await stream();
    const reader = body.getReader();
    const next = async () => new TextDecoder().decode((await reader.read()).value);
    expect(await next()).toContain('connected');
    clock.advance(15_000);
    expect(await next()).toContain('keep-alive');
    deleteApiKey(db, keyId);
    clock.advance(15_000);
    expect((await reader.read()).done).toBe(true);
    events.changed('agents'); // has no reader, and harms nobody
  });

  test('does not keep everything an agent logs for a reader that has stopped reading', async () => {
    const { body, events } = await stream();
    const lines = Array.from({ length: 100 }, () => ({ at: '', text: 'x'.repeat(4096) }));
    for (let n = 0; n < 100; n += 1) events.publish({ event: 'log', data: { jobId: '', lines } });
    let bytes = 0;
    for await (const part of body) bytes += part.length;
    expect(bytes).toBeLessThan(6 * 1024 * 1024);
  });
});

test('no path leaves the directory of the web UI, and every answer forbids framing and foreign scripts', async () => {
  await using w = await startWorld();
  for (const path of ['/..%2f..%2fpackage.json', '/assets/..%2f..%2f..%2fpackage.json', '/%2e%2e%2fkeys']) {
    const response = await fetch(w.api.url + path);
    expect(await response.text()).not.toContain('"dependencies"');
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/default-src 'none'; script-src 'self';/);
    expect(policy).toMatch(/frame-ancestors 'none'.*base-uri 'none'/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  }
});

test('guesses from everywhere at once do not take the threads that write packs', async () => {
  await using w = await startWorld();
  const guess = async (n: number) => {
    const headers = {
      'content-type': 'application/json',
      origin: w.url,
      'x-forwarded-for': `198.51.100.${n}`,
    };
    const body = JSON.stringify({ email: 'owner@example.org', password: `guess ${n}` });
    return fetch(`${w.api.url}/api/auth/sign-in/email`, { method: 'POST', headers, body });
  };
  const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => guess(n)));
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  expect(count(401) + count(429)).toBe(60);
  expect(count(401)).toBeGreaterThanOrEqual(18);
  expect(count(429)).toBeGreaterThan(0);
  expect(answers.every(({ headers }) => headers.get('cache-control') === 'no-store')).toBe(true);
  expect((await guess(100)).status).toBe(401);
});

test('guessing the set-up link costs the guesser, not the server', async () => {
  const db = openDb(':memory:');
  onTestFinished(() => closeDb(db));
  createSetupLink(db, 'http://127.0.0.1');
  const deps = { db, clock: createFakeClock(), hashPassword: () => expect.unreachable('hashed') };
  const owner = { name: 'x', email: 'x@example.org', password: 'long enough' };
  await expect(createOwner(deps, 'guess', owner)).rejects.toMatchObject({ failure: { code: 'forbidden' } });
});

test('the words of a defect stay in the log', async () => {
  const app = new Hono();
  app.onError(errorHandler({ audit: () => {}, log: createLogger('silent') }));
  app.get('/', () => {
    throw new Error('Failed query: insert into session params: s3cret');
  });
  const response = await app.request('/');
  expect(response.status).toBe(500);
  expect(await response.text()).not.toMatch(/s3cret|insert/);
});

test('the database is for its owner only, whatever the directory allows', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'homeport-mode-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const db = openDb(join(directory, DATABASE_FILE));
  onTestFinished(() => closeDb(db));
  for (const suffix of ['', '-wal', '-shm'])
    expect(statSync(join(directory, DATABASE_FILE + suffix)).mode & 0o077).toBe(0);
});
