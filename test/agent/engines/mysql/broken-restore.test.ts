import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { StreamOpener } from '../../../../agent/engines/driver.ts';
import { createJobs, type JobsOptions } from '../../../../agent/jobs/jobs.ts';
import { createOutbox } from '../../../../agent/jobs/outbox.ts';
import { createJournal } from '../../../../agent/state/journal.ts';
import type { JobOutcome, RestoreOffer } from '../../../../protocol/job.ts';
import type { RestorePlan } from '../../../../protocol/restore.ts';
import {
  type Captured,
  capture,
  failureOf,
  opener,
  operation,
  restoreInput,
} from '../../../contract/captured.ts';
import { temporaryState } from '../../../support/agent-at-peer.ts';
import { eventually } from '../../../support/eventually.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import type { TestMysql } from '../../../support/mysql-family.ts';
import { driver, login, start } from './world.ts';

let server: TestMysql;
let dump: Captured;
beforeAll(async () => {
  server = await start();
  await server.query('CREATE DATABASE shop');
  await server.script(
    `CREATE TABLE a (id int PRIMARY KEY AUTO_INCREMENT, s varchar(2000)); CREATE TABLE few (n int);
     INSERT INTO few VALUES ${Array(70).fill('(1)').join()};
     INSERT INTO a (s) SELECT REPEAT('x', 1000) FROM few f, few g; CREATE VIEW z AS SELECT s FROM a`,
    'shop',
  );
  dump = await capture(driver, login(server), 'shop');
}, 60_000);
afterAll(() => server?.stop());

/** The dump, with `then` in its middle. */
function interrupted(then: () => void | Promise<void>): StreamOpener {
  return async function* (name) {
    const half = (dump.streams.get('dump')?.length ?? 0) / 2;
    let seen = 0;
    for await (const chunk of opener(dump)(name)) {
      if (seen < half && seen + chunk.length >= half) await then();
      seen += chunk.length;
      yield chunk;
    }
  };
}

/** A server with a database “old” that a restore is to replace. */
async function another(): Promise<TestMysql> {
  const doomed = await start();
  await doomed.query('CREATE DATABASE old; CREATE TABLE old.mine (a int); INSERT INTO old.mine VALUES (1)');
  return doomed;
}

describe('the server is killed', () => {
  const killed = async (plan: Partial<RestorePlan> & { targetDatabase: string }) => {
    await using doomed = await another();
    const input = restoreInput(
      dump,
      plan,
      interrupted(() => doomed.kill()),
    );
    return await failureOf(driver.restore(login(doomed), input, operation()));
  };

  test('amid a new database: what is left there is named', async () => {
    expect(await killed({ targetDatabase: 'fresh' })).toMatchObject({
      code: 'server_gone',
      retryable: false, // the same again would meet what is left
      hint: expect.stringContaining('drop the database “fresh” by hand'),
    });
  }, 60_000);

  test('amid a restore in place: it says what the target has become', async () => {
    expect(await killed({ mode: 'in-place', targetDatabase: 'old' })).toMatchObject({
      code: 'server_gone',
      retryable: false,
      hint: expect.stringContaining('“old” is incomplete now: what was in it was dropped'),
    });
  }, 60_000);

  test('before anything is dropped: nothing is said to be lost', async () => {
    await using doomed = await another();
    const context = operation();
    const ended = Promise.withResolvers<void>();
    context.phase = (name) => {
      if (name === 'locking tables') doomed.kill().then(ended.resolve, ended.reject);
    };
    const input = restoreInput(dump, { mode: 'in-place', targetDatabase: 'old' });
    const failure = await failureOf(driver.restore(login(doomed), input, context));
    await ended.promise;
    expect(failure.code).toBe('server_gone');
    expect(failure.hint).not.toContain('incomplete');
  }, 60_000);

  test('while the target is emptied: nothing of the snapshot is said to be there', async () => {
    await using doomed = await another();
    const context = operation();
    context.phase = (name) => {
      if (name === 'dropping') void doomed.kill();
    };
    const input = restoreInput(dump, { mode: 'in-place', targetDatabase: 'old' });
    expect(await failureOf(driver.restore(login(doomed), input, context))).toMatchObject({
      code: 'server_gone',
      hint: expect.stringContaining('nothing of the snapshot is in it yet'),
    });
  }, 60_000);
});

/** An agent's jobs, with the driver restoring the dump; `amid` is called in its middle. */
async function agentJobs(amid: () => Promise<void>) {
  const state = await temporaryState();
  onTestFinished(() => state[Symbol.asyncDispose]());
  const outcomes: JobOutcome[] = [];
  const lines: string[] = [];
  const send: JobsOptions['send'] = (message) => {
    if (message.type === 'job.finished') outcomes.push(message.outcome);
    if (message.type === 'job.log') lines.push(...message.lines.map(({ text }) => text));
    return true;
  };
  const run: JobsOptions['run'] = async (offer, { signal }) => {
    const { plan } = offer as RestoreOffer;
    const input = restoreInput(dump, plan, interrupted(amid));
    const report = await driver.restore(login(server), input, operation(signal));
    return { kind: 'restore', rawBytes: 0, report };
  };
  const outbox = createOutbox(createJournal(state.path), send);
  const rest = { log: pino({ level: 'silent' }), maxJobs: 1, refusalOf: async () => undefined };
  const jobs = createJobs({ outbox, clock: createFakeClock(), send, run, ...rest });
  return { jobs, lines, outcome: () => eventually('it has ended', () => outcomes[0]) };
}

test('a restore in place that is cancelled half-way says in its log what it left, and nothing of it runs on', async () => {
  await server.query('CREATE DATABASE used; CREATE TABLE used.mine (a int)');
  const offer: RestoreOffer = {
    kind: 'restore',
    ...{ jobId: randomUUID(), attempt: 1, leaseMs: 600_000, stallMs: 60_000 },
    ...{ serverId: randomUUID(), snapshotId: randomUUID(), vault: { id: randomUUID(), statement: '' } },
    plan: { mode: 'in-place', targetDatabase: 'used', owners: 'keep', endSessions: false },
    sealed: 'c2VhbGVk',
  };
  const { jobs, lines, outcome } = await agentJobs(async () => jobs.cancel(offer));
  jobs.offer(offer);
  expect(await outcome()).toEqual({ state: 'cancelled' });
  expect(lines.join('\n')).toContain('“used” is incomplete now');
  await eventually('the server has ended its sessions', async () => {
    const [row] = await server.query(
      `SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER = 'root'`,
    );
    return row?.n === '0' || row?.n === 0;
  });
  const there = await server.query(
    `SELECT TABLE_NAME AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'used'`,
  );
  expect(there.map(({ n }) => n)).not.toContain('mine');
  expect(there.map(({ n }) => n)).not.toContain('z');
  // What is left can be restored over.
  const again = restoreInput(dump, { mode: 'in-place', targetDatabase: 'used' });
  await driver.restore(login(server), again, operation());
  expect(await server.query('SELECT COUNT(*) AS n FROM z', 'used')).toEqual([{ n: '4900' }]);
}, 60_000);
