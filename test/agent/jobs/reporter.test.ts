import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createReporter } from '../../../agent/jobs/reporter.ts';
import { MAX_FRAME_BYTES } from '../../../protocol/frames.ts';
import { type ToControlPlane, toControlPlaneSchema } from '../../../protocol/messages.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

function setup() {
  const sent: ToControlPlane[] = [];
  const clock = createFakeClock();
  const attempt = { jobId: randomUUID(), attempt: 1 };
  const reporter = createReporter({ attempt, clock, send: (message) => sent.push(message) });
  return { sent, clock, reporter };
}

test('at most four reports a second, each with the newest figures', () => {
  const { sent, clock, reporter } = setup();
  for (let ms = 0; ms < 1000; ms += 10) {
    reporter.progress({ rawBytes: ms });
    clock.advance(10);
  }
  expect(sent.length).toBeLessThanOrEqual(5);
  reporter.progress({ rawBytes: 5000 });
  reporter.end();
  expect(sent.at(-1)).toMatchObject({ type: 'job.progress', progress: { rawBytes: 5000 } });
});

test('a flood of long lines stays within one frame, and says what is left out', () => {
  const { sent, reporter } = setup();
  for (let i = 0; i < 5000; i += 1) reporter.log('\u0001'.repeat(10_000));
  reporter.end();
  expect(sent).toHaveLength(1);
  expect(toControlPlaneSchema.parse(sent[0])).toEqual(sent[0]);
  expect(JSON.stringify(sent[0]).length).toBeLessThan(MAX_FRAME_BYTES);
  expect(JSON.stringify(sent[0])).toMatch(/… 49\d\d lines left out/);
});

test('keeps quiet where nothing happened', () => {
  const { sent, clock, reporter } = setup();
  clock.advance(10_000);
  reporter.end();
  expect(sent).toEqual([]);
});
