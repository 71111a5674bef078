import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { createJobs, type JobsOptions } from '../../../agent/jobs/jobs.ts';
import { createOutbox } from '../../../agent/jobs/outbox.ts';
import { createJournal } from '../../../agent/state/journal.ts';
import { fail } from '../../../protocol/failure.ts';
import type { JobOutcome, RestoreOffer } from '../../../protocol/job.ts';
import type { RestorePlan } from '../../../protocol/restore.ts';
import { temporaryState } from '../../support/agent-at-peer.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

function restoreOf(mode: RestorePlan['mode']): RestoreOffer {
  return {
    kind: 'restore',
    ...{ jobId: randomUUID(), attempt: 1, leaseMs: 600_000, stallMs: 60_000 },
    ...{ serverId: randomUUID(), snapshotId: randomUUID(), vault: { id: randomUUID(), statement: '' } },
    plan: { mode, targetDatabase: 'shop', owners: 'keep', endSessions: false },
    sealed: 'c2VhbGVk',
  };
}

/** An agent with a restore under way; its driver says on the way out in what state it left the target. */
async function restoring(mode: RestorePlan['mode'] = 'in-place') {
  const state = await temporaryState();
  onTestFinished(() => state[Symbol.asyncDispose]());
  const outcomes: JobOutcome[] = [];
  const lines: string[] = [];
  const send: JobsOptions['send'] = (message) => {
    if (message.type === 'job.finished') outcomes.push(message.outcome);
    if (message.type === 'job.log') lines.push(...message.lines.map(({ text }) => text));
    return true;
  };
  const clock = createFakeClock();
  const started = Promise.withResolvers<void>();
  const run: JobsOptions['run'] = (_offer, { signal }) =>
    new Promise((_resolve, reject) => {
      const words = fail('server_gone', 'Cut off.', '“shop” is half-filled.');
      signal.addEventListener('abort', () => reject(words), { once: true });
      started.resolve();
    });
  const outbox = createOutbox(createJournal(state.path), send);
  const rest = { log: pino({ level: 'silent' }), maxJobs: 1, refusalOf: async () => undefined };
  const jobs = createJobs({ outbox, clock, send, run, ...rest });
  const offer = restoreOf(mode);
  jobs.offer(offer);
  await started.promise;
  const outcome = () => eventually('it has ended', () => outcomes[0]);
  return { clock, jobs, lines, offer, outcome, path: state.path };
}

test('a restore in place that stalls says why it was stopped and what it left', async () => {
  const { clock, outcome } = await restoring();
  clock.advance(60_000);
  const failure = { code: 'job_stalled', hint: expect.stringMatching(/\. “shop” is half-filled\.$/) };
  expect(await outcome()).toMatchObject({ state: 'failed', failure });
});

test('one that is cancelled says it in its log', async () => {
  const { jobs, lines, offer, outcome } = await restoring();
  jobs.cancel(offer);
  expect(await outcome()).toEqual({ state: 'cancelled' });
  expect(lines).toContain('“shop” is half-filled.');
});

test.for([
  ['in-place', 'Look at “shop” before it is used'],
  ['new', 'Nothing was made on the server yet'],
] as const)(
  'after its agent was killed, a restore %s does not claim more than it knows',
  async ([mode, hint]) => {
    const { path } = await restoring(mode);
    const entries = await createJournal(path).entries();
    expect(JSON.stringify(entries)).not.toContain('c2VhbGVk');
    const told: JobOutcome[] = [];
    const outbox = createOutbox(createJournal(path), (message) => {
      if (message.type === 'job.finished') told.push(message.outcome);
      return true;
    });
    await outbox.recover();
    expect(told).toMatchObject([{ state: 'failed', failure: { hint: expect.stringContaining(hint) } }]);
  },
);
