import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createJobContext } from '../../../agent/jobs/context.ts';
import type { JobOffer } from '../../../protocol/job.ts';
import type { ToControlPlane } from '../../../protocol/messages.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

function setup() {
  const clock = createFakeClock();
  const sent: ToControlPlane[] = [];
  const stalls: string[] = [];
  const context = createJobContext({
    offer: { jobId: randomUUID(), attempt: 1, stallMs: 60_000 } as JobOffer,
    clock,
    signal: new AbortController().signal,
    send: (message) => void sent.push(message),
    onFinalise: () => undefined,
    onScratch: async () => undefined,
    onStall: ({ failure }) => void stalls.push(failure.code),
  });
  return { clock, context, sent, stalls };
}

test('a job whose server is at work has not stalled, though no byte moves', () => {
  const { clock, context, stalls } = setup();
  for (let minutes = 0; minutes < 120; minutes += 1) {
    clock.advance(59_000);
    context.working?.();
  }
  expect(stalls).toEqual([]);
  clock.advance(60_000);
  expect(stalls).toEqual(['job_stalled']);
});

test('an upload that gives up after the end of its job starts nothing anew', () => {
  const { clock, context, sent, stalls } = setup();
  context.waiting(true);
  context.end();
  const before = sent.length;
  context.waiting(false);
  context.progress({ rawBytes: 1 });
  clock.advance(3_600_000);
  expect(stalls).toEqual([]);
  expect(sent).toHaveLength(before);
});
