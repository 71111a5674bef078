import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isTerminal,
  type JobEvent,
  type JobFacts,
  MAX_ATTEMPTS,
  transition,
} from '../../../control-plane/jobs/transitions.ts';
import type { Failure } from '../../../protocol/failure.ts';
import type { JobKind, JobOutcome } from '../../../protocol/job.ts';

const failure = (retryable: boolean, code: Failure['code'] = 'server_gone'): Failure => ({
  code,
  message: 'm',
  hint: 'h',
  retryable,
});

const backupResult = { kind: 'backup', snapshotId: '', rawBytes: 1, storedBytes: 1, reusedBytes: 0 } as const;
const outcome: fc.Arbitrary<JobOutcome> = fc.oneof(
  fc.constant<JobOutcome>({ state: 'succeeded', result: backupResult }),
  fc.boolean().map((retryable): JobOutcome => ({ state: 'failed', failure: failure(retryable) })),
  fc.constant<JobOutcome>({ state: 'cancelled' }),
);

/** What can happen next, mostly about the newest attempt, sometimes about another. */
const happening = fc.record({
  type: fc.constantFrom<JobEvent['type']>(
    ...([
      'offered',
      'accepted',
      'refused',
      'alive',
      'returned',
      'ended',
      'expired',
      'cancelled',
      'rearmed',
      'orphaned',
    ] as const),
  ),
  older: fc.nat({ max: 4 }).map((n) => (n === 4 ? 1 : 0)),
  pass: fc.nat({ max: 2_000 }),
  outcome,
  committed: fc.boolean(),
  committing: fc.boolean(),
  busy: fc.boolean(),
  reachable: fc.boolean(),
});
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

function eventOf(job: JobFacts, now: number, one: Happening): JobEvent {
  const extras = {
    outcome: one.outcome,
    committed: one.committed,
    committing: one.committing,
    reachable: one.reachable,
    failure: failure(false, one.busy ? 'agent_busy' : 'policy_denied'),
    ...{ delayMs: 100, leaseMs: 1_000, offerMs: 300 },
  };
  return { ...extras, type: one.type, now, attempt: job.attempt - one.older } as unknown as JobEvent;
}

function newJob(kind: JobKind): JobFacts {
  const nothing = { leaseUntil: null, cancelRequestedAt: null, finishedAt: null, failure: null };
  return { kind, state: 'queued', attempt: 0, maxAttempts: MAX_ATTEMPTS[kind], notBefore: 0, ...nothing };
}

/** Plays a history and calls back for each step that changed the job. */
function play(
  kind: JobKind,
  history: readonly Happening[],
  each: (before: JobFacts, after: JobFacts, event: JobEvent) => void,
): JobFacts {
  let job = newJob(kind);
  let now = 0;
  for (const one of history) {
    now += one.pass;
    const event = eventOf(job, now, one);
    const before = structuredClone(job);
    const verdict = transition(job, event);
    expect(job, 'transitions are pure').toEqual(before);
    if (verdict.verdict !== 'applied') continue;
    each(before, verdict.next, event);
    job = verdict.next;
  }
  return job;
}

const histories = fc.array(happening, { maxLength: 60 });
const kinds = fc.constantFrom<JobKind>('backup', 'restore');
const held = (job: JobFacts) => job.state === 'offered' || job.state === 'running';

describe('whatever happens to a job', () => {
  test('it ends once, and nothing changes it afterwards', () => {
    fc.assert(
      fc.property(kinds, histories, (kind, history) => {
        let ends = 0;
        play(kind, history, (before, after) => {
          expect(isTerminal(before.state)).toBe(false);
          if (isTerminal(after.state)) ends += 1;
          expect(after.finishedAt !== null).toBe(isTerminal(after.state));
        });
        expect(ends).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('it has a lease exactly while an agent holds it', () => {
    fc.assert(
      fc.property(kinds, histories, (kind, history) => {
        play(kind, history, (_before, after) => expect(after.leaseUntil !== null).toBe(held(after)));
      }),
    );
  });

  test('an attempt that was begun is never offered again under its number', () => {
    fc.assert(
      fc.property(kinds, histories, (kind, history) => {
        let begun = 0;
        play(kind, history, (_before, after, event) => {
          if (event.type === 'offered') expect(after.attempt).toBeGreaterThan(begun);
          if (after.state === 'running') begun = after.attempt;
        });
      }),
    );
  });

  test('a restore that was begun never waits in the queue again', () => {
    fc.assert(
      fc.property(histories, (history) => {
        play('restore', history, (before, after) => {
          if (before.state === 'running') expect(after.state).not.toBe('queued');
        });
      }),
    );
  });

  test('a backup succeeds only with its snapshot in the vault, and is begun at most three times', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const begun = new Set<number>();
        play('backup', history, (_before, after, event) => {
          if (after.state === 'running') begun.add(after.attempt);
          if (after.state === 'succeeded') expect('committed' in event && event.committed).toBe(true);
        });
        expect(begun.size).toBeLessThanOrEqual(3);
      }),
    );
  });

  test('nothing takes it from its attempt while a commit of that attempt is undecided', () => {
    fc.assert(
      fc.property(kinds, histories, (kind, history) => {
        play(kind, history, (before, after, event) => {
          if (!('committing' in event) || !event.committing || event.committed || !held(before)) return;
          if (['ended', 'expired', 'cancelled'].includes(event.type)) expect(held(after)).toBe(true);
        });
      }),
    );
  });

  test('what is about an older attempt changes nothing', () => {
    fc.assert(
      fc.property(kinds, histories, (kind, history) => {
        play(kind, history, (before, _after, event) => {
          const about = ['accepted', 'alive', 'refused', 'ended'].includes(event.type);
          if (about && 'attempt' in event) expect(event.attempt).toBe(before.attempt);
        });
      }),
    );
  });
});

describe('one step', () => {
  const running: JobFacts = { ...newJob('backup'), state: 'running', attempt: 1, leaseUntil: 1_000 };
  const ended = {
    type: 'ended',
    now: 5,
    attempt: 1,
    committed: false,
    committing: false,
    delayMs: 100,
  } as const;

  test('a backup that failed in a way that may pass is tried again after a while', () => {
    const verdict = transition(running, { ...ended, outcome: { state: 'failed', failure: failure(true) } });
    expect(verdict).toMatchObject({ verdict: 'applied', next: { state: 'queued', notBefore: 105 } });
  });

  test('a success that the vault does not confirm is no success', () => {
    const verdict = transition(running, { ...ended, outcome: { state: 'succeeded', result: backupResult } });
    expect(verdict).toMatchObject({ next: { state: 'queued', failure: { code: 'chunks_missing' } } });
  });

  test('an outcome that is told twice is acknowledged twice', () => {
    const cancelled: JobFacts = { ...running, state: 'cancelled', leaseUntil: null, finishedAt: 4 };
    expect(transition(cancelled, { ...ended, outcome: { state: 'cancelled' } }).verdict).toBe('repeated');
  });

  test('an attempt that was replaced is fenced, its late success included', () => {
    const second: JobFacts = { ...running, attempt: 2 };
    const late: JobEvent = {
      ...ended,
      committed: true,
      outcome: { state: 'succeeded', result: backupResult },
    };
    expect(transition(second, late).verdict).toBe('fenced');
  });

  test('cancelling a job whose agent is away ends it at once', () => {
    const event = { type: 'cancelled', now: 7, committed: false, committing: false } as const;
    expect(transition(running, { ...event, reachable: false })).toMatchObject({
      next: { state: 'cancelled' },
    });
    const asked = transition(running, { ...event, reachable: true });
    expect(asked).toMatchObject({ next: { state: 'running', cancelRequestedAt: 7 } });
  });
});
