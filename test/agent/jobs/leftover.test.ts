import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import type { EngineDriver } from '../../../agent/engines/driver.ts';
import { createJobs } from '../../../agent/jobs/jobs.ts';
import { dropLeftover } from '../../../agent/jobs/leftover.ts';
import { createOutbox } from '../../../agent/jobs/outbox.ts';
import type { JobParts } from '../../../agent/jobs/parts.ts';
import { createJournal } from '../../../agent/state/journal.ts';
import { type FailureError, fail } from '../../../protocol/failure.ts';
import type { ToControlPlane } from '../../../protocol/messages.ts';
import { temporaryState } from '../../support/agent-at-peer.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const leftover = { serverId: randomUUID(), database: 'shop_homeport_1', target: 'shop' };
const gone = fail('connection_refused', 'The server does not answer.', 'Start it.', { retryable: true });

/** A server's databases, and the parts of an agent that reach it; each error in `errors` comes once first. */
function server(names: string[], errors: FailureError[] = []) {
  const databases = new Set(names);
  const driver = {
    parseConnection: (value: unknown) => value,
    async listDatabases() {
      const error = errors.shift();
      if (error) throw error;
      return [...databases].map((name) => ({ name }));
    },
    async dropScratch(_: unknown, name: string) {
      databases.delete(name);
    },
  };
  const parts = {
    driverFor: () => driver as unknown as EngineDriver,
    servers: { get: async () => ({ engine: 'any', connection: {}, password: '' }) },
  } as unknown as JobParts;
  return { databases, parts };
}

const hintOf = async (parts: JobParts, signal = new AbortController().signal) =>
  (await dropLeftover(parts, leftover, { clock: createFakeClock(), signal })).hint;

test('what is left is dropped, and named', async () => {
  const { databases, parts } = server(['shop', 'shop_homeport_1']);
  expect(await hintOf(parts)).toContain('“shop_homeport_1” was dropped');
  expect([...databases]).toEqual(['shop']);
});

test('a database that is not there may have its name already: people are told to look', async () => {
  expect(await hintOf(server(['shop']).parts)).toContain('has become “shop” already');
});

test('what cannot be dropped is named, with the reason', async () => {
  const { parts } = server([], [fail('access_denied', 'The password is wrong.', 'Type it again.')]);
  expect(await hintOf(parts)).toMatch(/Drop the database “shop_homeport_1” by hand.*The password is wrong/);
});

test('what another account made is said to be that one’s', async () => {
  const { parts } = server([], [fail('privilege_missing', 'Must be owner.', 'Grant it.')]);
  const signal = new AbortController().signal;
  const made = { ...leftover, oneTimeAccount: true };
  const { hint } = await dropLeftover(parts, made, { clock: createFakeClock(), signal });
  expect(hint).toMatch(/belongs to the account that was given for this restore alone.*Must be owner/);
});

test('a server that comes up later than its agent is waited for', async () => {
  const { databases, parts } = server(['shop_homeport_1'], [gone, gone]);
  const clock = createFakeClock();
  const { signal } = new AbortController();
  const end = { over: false };
  const dropped = dropLeftover(parts, leftover, { clock, signal }).finally(() => {
    end.over = true;
  });
  await eventually('it is over', () => {
    clock.advance(5_000);
    return end.over;
  });
  expect((await dropped).hint).toContain('was dropped');
  expect(databases.size).toBe(0);
});

test('an agent that is told to stop meanwhile names it instead', async () => {
  const { parts } = server([], [gone]);
  expect(await hintOf(parts, AbortSignal.abort())).toContain('by hand');
});

test('after a crash the attempt goes on being named, until what it left is seen to', async () => {
  const state = await temporaryState();
  onTestFinished(() => state[Symbol.asyncDispose]());
  const about = { jobId: randomUUID(), attempt: 1 };
  const crashed = createOutbox(createJournal(state.path), () => false);
  await crashed.accept({ ...about, kind: 'restore' });
  await crashed.note(about, leftover);

  const sent: ToControlPlane[] = [];
  const send = (message: ToControlPlane) => sent.push(message) > 0;
  const outbox = createOutbox(createJournal(state.path), send);
  const never = () => Promise.reject(new Error('nothing is to run'));
  const log = pino({ level: 'silent' });
  const clock = createFakeClock();
  const jobs = createJobs({ outbox, clock, log, maxJobs: 2, send, refusalOf: never, run: never });
  expect(await outbox.recover()).toMatchObject([{ ...about, leftover }]);
  const seenTo = Promise.withResolvers<FailureError>();
  jobs.tidy(about, async () => (await seenTo.promise).failure);
  jobs.cancel(about);
  jobs.heartbeat();
  expect(sent).toMatchObject([{ type: 'heartbeat', jobs: [about] }]);
  seenTo.resolve(gone);
  await jobs.drain();
  expect(sent.at(-1)).toMatchObject({ type: 'job.finished', outcome: { state: 'failed' } });
});
