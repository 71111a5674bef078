import { expect, test } from 'vitest';
import { countEnded, jobTotalsOf } from '../../../control-plane/db/job-totals.ts';
import { openDb } from '../../../control-plane/db/open.ts';
import { jobFamilies } from '../../../control-plane/metrics/jobs.ts';
import { createDesk, running } from './desk.ts';

const result = (snapshotId: string) =>
  ({ kind: 'backup', snapshotId, rawBytes: 100, storedBytes: 40, reusedBytes: 60 }) as const;

test('a job that ends is counted once, with what it took and moved', () => {
  const { agent, clock, commit, db, id } = running();
  clock.advance(20_000);
  const snapshotId = commit(id);
  const outcome = { state: 'succeeded', result: result(snapshotId) } as const;
  agent.say({ type: 'job.finished', jobId: id, attempt: 1, outcome });
  agent.say({ type: 'job.finished', jobId: id, attempt: 1, outcome }); // not acknowledged, so said again
  const counted = { kind: 'backup', state: 'succeeded', jobs: 1, ran: 1, seconds: 20 };
  expect(jobTotalsOf(db)).toEqual([
    { ...counted, rawBytes: 100, storedBytes: 40, reusedBytes: 60, durations: new Map([[30, 1]]) },
  ]);
});

test('what was counted stays where the control plane starts anew, and where the jobs are removed', () => {
  const { agent, clock, commit, db, id } = running();
  const outcome = { state: 'succeeded', result: result(commit(id)) } as const;
  agent.say({ type: 'job.finished', jobId: id, attempt: 1, outcome });
  db.$client.exec('delete from jobs');
  const again = createDesk(db, clock, { fresh: false, agentId: '' });
  const [ended] = jobFamilies(again.db, clock.now());
  expect(ended?.name).toBe('homeport_jobs_ended_total');
  expect([...(ended?.samples ?? [])]).toContainEqual({
    labels: { kind: 'backup', state: 'succeeded' },
    value: 1,
  });
});

test('a job that never began is counted without a time, and one that is retried not before its end', () => {
  const desk = createDesk();
  const { id } = desk.jobs.createBackup(desk.databaseIds[0], 'someone');
  expect(jobTotalsOf(desk.db)).toEqual([]);
  desk.jobs.cancel(id);
  expect(jobTotalsOf(desk.db)).toMatchObject([{ state: 'cancelled', jobs: 1, ran: 0, seconds: 0 }]);
  const tried = running();
  const failure = { code: 'server_gone', message: 'm', hint: 'h', retryable: true } as const;
  tried.agent.say({
    type: 'job.finished',
    jobId: tried.id,
    attempt: 1,
    outcome: { state: 'failed', failure },
  });
  expect(tried.job(tried.id)?.state).toBe('queued');
  expect(jobTotalsOf(tried.db)).toEqual([]);
});

test('the buckets of a histogram add up, whatever lies beyond the last', () => {
  const db = openDb(':memory:');
  const ended = { kind: 'backup', state: 'succeeded', rawBytes: 1, storedBytes: 1, reusedBytes: 0 } as const;
  for (const seconds of [0.5, 1, 1.5, 25 * 3600]) countEnded(db, { ...ended, seconds });
  const durations = jobFamilies(db, 0).find(({ type }) => type === 'histogram');
  const own = [...(durations?.samples ?? [])].filter(
    ({ labels }) => labels?.kind === 'backup' && labels.state === 'succeeded',
  );
  const bucket = (le: string) => own.find(({ labels }) => labels?.le === le)?.value;
  expect(['1', '5', '86400', '+Inf'].map(bucket)).toEqual([2, 3, 3, 4]);
  expect(own.find(({ suffix }) => suffix === '_count')?.value).toBe(4);
  expect(own.find(({ suffix }) => suffix === '_sum')?.value).toBe(25 * 3600 + 3);
});
