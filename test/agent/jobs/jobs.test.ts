import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import type { JobContext } from '../../../agent/jobs/context.ts';
import { createJobs, type JobsOptions } from '../../../agent/jobs/jobs.ts';
import { createOutbox } from '../../../agent/jobs/outbox.ts';
import { createJournal } from '../../../agent/state/journal.ts';
import { fail } from '../../../protocol/failure.ts';
import type { JobOffer, JobResult } from '../../../protocol/job.ts';
import type { ToControlPlane } from '../../../protocol/messages.ts';
import { temporaryState } from '../../support/agent-at-peer.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const snapshotId = randomUUID();
const result: JobResult = { kind: 'backup', snapshotId, rawBytes: 1, storedBytes: 1, reusedBytes: 0 };

interface Run {
  offer: JobOffer;
  context: JobContext;
  succeed(): void;
}

async function setup(change: Partial<JobsOptions> = {}, stateDir?: string) {
  const state = await temporaryState();
  onTestFinished(() => state[Symbol.asyncDispose]());
  const path = stateDir ?? state.path;
  const sent: ToControlPlane[] = [];
  const send = (message: ToControlPlane) => sent.push(message) > 0;
  const clock = createFakeClock();
  const outbox = createOutbox(createJournal(path), send);
  const runs: Run[] = [];
  const run = (offer: JobOffer, context: JobContext) =>
    new Promise<JobResult>((resolve, reject) => {
      context.signal.addEventListener('abort', () => reject(new Error('the tool died')), { once: true });
      runs.push({ offer, context, succeed: () => resolve(result) });
    });
  const log = pino({ level: 'silent' });
  const refusalOf = async () => undefined;
  const jobs = createJobs({ outbox, clock, log, maxJobs: 2, send, refusalOf, run, ...change });
  const got = <T extends ToControlPlane['type']>(type: T) =>
    sent.filter((message) => message.type === type) as Extract<ToControlPlane, { type: T }>[];
  const running = (count: number) => eventually(`${count} jobs run`, () => runs.length === count);
  const finished = (count: number) => eventually(`${count} are told`, () => got('job.finished')[count - 1]);
  return { path, sent, clock, outbox, runs, jobs, got, running, finished };
}

function offer(change: Partial<JobOffer> = {}): JobOffer {
  return {
    kind: 'backup',
    jobId: randomUUID(),
    attempt: 1,
    leaseMs: 600_000,
    stallMs: 60_000,
    serverId: randomUUID(),
    serverName: 'main',
    snapshotId,
    sequence: 1,
    database: { id: randomUUID(), name: 'shop' },
    vault: { id: randomUUID(), statement: '' },
    ...change,
  } as JobOffer;
}

test('accepts, runs, reports, and forgets once acknowledged', async () => {
  const { jobs, runs, got, running, finished, path, outbox } = await setup();
  const wish = offer();
  jobs.offer(wish);
  await running(1);
  expect(got('job.accepted')).toHaveLength(1);
  runs[0]?.succeed();
  expect(await finished(1)).toMatchObject({ jobId: wish.jobId, outcome: { state: 'succeeded' } });
  expect(await createJournal(path).entries()).toHaveLength(1);
  jobs.acknowledge(wish);
  await outbox.empty(AbortSignal.timeout(10_000));
  await eventually('the journal is empty', async () => (await createJournal(path).entries()).length === 0);
});

test('replays an outcome until it is acknowledged, and names it in heartbeats', async () => {
  const { jobs, runs, got, running, finished, outbox } = await setup();
  const wish = offer();
  jobs.offer(wish);
  await running(1);
  runs[0]?.succeed();
  await finished(1);
  outbox.replayAll();
  jobs.offer(wish);
  expect(got('job.finished')).toHaveLength(3);
  jobs.heartbeat();
  expect(got('heartbeat')[0]?.jobs).toContainEqual({ jobId: wish.jobId, attempt: 1 });
  expect(runs).toHaveLength(1);
});

test('an offer that comes twice runs once', async () => {
  const { jobs, runs, got, running } = await setup();
  const wish = offer();
  jobs.offer(wish);
  jobs.offer(wish);
  await running(1);
  await eventually('both are answered', () => got('job.accepted').length === 2);
  expect(runs).toHaveLength(1);
});

test('refuses what is more than it may run', async () => {
  const { jobs, got, running } = await setup();
  for (let i = 0; i < 3; i += 1) jobs.offer(offer());
  await running(2);
  expect(got('job.refused')).toMatchObject([{ failure: { code: 'agent_busy', retryable: true } }]);
});

test('refuses what local policy forbids, and runs nothing', async () => {
  const refusal = fail('policy_denied', 'No.', 'Ask the host.').failure;
  const { jobs, got, runs } = await setup({ refusalOf: async () => refusal });
  jobs.offer(offer());
  await eventually('it is refused', () => got('job.refused').length === 1);
  expect(got('job.refused')[0]?.failure.code).toBe('policy_denied');
  expect(runs).toHaveLength(0);
});

test('a newer attempt ends the older one, of which nothing more is heard', async () => {
  const { jobs, runs, got, running, finished } = await setup({ maxJobs: 1 });
  const first = offer();
  jobs.offer(first);
  await running(1);
  jobs.offer({ ...first, attempt: 2 });
  await running(2);
  expect(runs[0]?.context.signal.aborted).toBe(true);
  runs[1]?.succeed();
  await finished(1);
  expect(got('job.finished')).toMatchObject([{ attempt: 2, outcome: { state: 'succeeded' } }]);
});

test('a fenced attempt stops in silence', async () => {
  const { jobs, runs, got, running, path } = await setup();
  const wish = offer();
  jobs.offer(wish);
  await running(1);
  jobs.fence(wish);
  expect(runs[0]?.context.signal.aborted).toBe(true);
  await jobs.drain();
  expect(got('job.finished')).toEqual([]);
  await eventually('the journal is empty', async () => (await createJournal(path).entries()).length === 0);
});

test('a cancelled job ends as cancelled, whatever its tool says', async () => {
  const { jobs, running, finished } = await setup();
  const wish = offer();
  jobs.offer(wish);
  await running(1);
  jobs.cancel(wish);
  expect((await finished(1)).outcome).toEqual({ state: 'cancelled' });
});

test('a cancel that comes during the commit changes nothing', async () => {
  const { jobs, runs, running, finished } = await setup();
  const wish = offer();
  jobs.offer(wish);
  await running(1);
  runs[0]?.context.finalise();
  jobs.cancel(wish);
  runs[0]?.succeed();
  expect((await finished(1)).outcome.state).toBe('succeeded');
});

test('a cancel for something that does not run is answered', async () => {
  const { jobs, finished } = await setup();
  jobs.cancel({ jobId: randomUUID(), attempt: 1 });
  expect((await finished(1)).outcome).toEqual({ state: 'cancelled' });
});

test('a job without a byte or a new phase is stopped, but not while it waits for the control plane', async () => {
  const { jobs, clock, runs, running, finished } = await setup();
  jobs.offer(offer());
  await running(1);
  const context = runs[0]?.context;
  clock.advance(59_000);
  context?.progress({ rawBytes: 10 });
  clock.advance(59_000);
  context?.phase('uploading');
  context?.waiting(true);
  clock.advance(3_600_000);
  expect(context?.signal.aborted).toBe(false);
  context?.waiting(false);
  clock.advance(59_000);
  expect(context?.signal.aborted).toBe(false);
  clock.advance(1_000);
  const { outcome } = await finished(1);
  expect(outcome).toMatchObject({ failure: { code: 'job_stalled', retryable: true } });
  expect(JSON.stringify(outcome)).toContain('while uploading, after 10 bytes');
});

test('what was running when the agent died is reported as failed by the next one', async () => {
  const before = await setup();
  const wish = offer();
  before.jobs.offer(wish);
  await before.running(1);
  const after = await setup({}, before.path);
  await after.outbox.recover();
  expect(await after.finished(1)).toMatchObject({
    jobId: wish.jobId,
    outcome: { state: 'failed', failure: { code: 'lease_lost', retryable: true } },
  });
});

test('a short lease is kept by more heartbeats, as long as the job runs', async () => {
  const { jobs, clock, runs, got, running, finished } = await setup();
  jobs.offer(offer({ leaseMs: 3000 }));
  await running(1);
  clock.advance(10_000);
  expect(got('heartbeat')).toHaveLength(10);
  runs[0]?.succeed();
  await finished(1);
  const before = got('heartbeat').length;
  clock.advance(10_000);
  expect(got('heartbeat')).toHaveLength(before);
});

test('draining finishes what runs and refuses the rest', async () => {
  const { jobs, runs, got, running } = await setup();
  jobs.offer(offer());
  await running(1);
  const drained = jobs.drain();
  jobs.offer(offer());
  expect(got('heartbeat').at(-1)).toMatchObject({ draining: true, jobs: [{ attempt: 1 }] });
  expect(got('job.refused')).toMatchObject([{ failure: { code: 'agent_busy' } }]);
  runs[0]?.succeed();
  await drained;
  expect(got('job.finished')).toMatchObject([{ outcome: { state: 'succeeded' } }]);
});

test('a second signal ends what runs, retryably', async () => {
  const { jobs, running, finished } = await setup();
  jobs.offer(offer());
  await running(1);
  const drained = jobs.drain();
  jobs.stop();
  await drained;
  expect((await finished(1)).outcome).toMatchObject({ failure: { code: 'lease_lost', retryable: true } });
});
