import { type Failure, fail } from '../../protocol/failure.ts';
import type { Attempt, JobKind, JobOutcome } from '../../protocol/job.ts';
import type { ToControlPlane } from '../../protocol/messages.ts';
import type { Journal, JournalEntry, Leftover } from '../state/journal.ts';

/** Outcomes on their way to the control plane: on disk, and replayed until acknowledged. */
export interface Outbox {
  /**
   * Takes up what an earlier process left. Attempts it did not finish become failures, but for those returned:
   * they may have left a database on a server, and are to be finished once that is seen to.
   */
  recover(): Promise<(JournalEntry & { leftover: Leftover })[]>;
  accept(attempt: Attempt & Pick<JournalEntry, 'kind' | 'replaces'>): Promise<void>;
  /** Notes what would be left if this process died now; durable once resolved. */
  note(attempt: Attempt, leftover: Leftover): Promise<void>;
  /** Durable, then sent. */
  finish(attempt: Attempt, outcome: JobOutcome): Promise<void>;
  /** Sends an outcome again, if there is one for this attempt. */
  replay(attempt: Attempt): boolean;
  replayAll(): void;
  forget(attempt: Attempt): Promise<void>;
  pending(): Attempt[];
  /** Resolves once nothing is left to acknowledge, or the signal aborts. */
  empty(signal: AbortSignal): Promise<void>;
}

export const attemptKey = ({ jobId, attempt }: Attempt): string => `${jobId} ${attempt}`;

export function createOutbox(journal: Journal, send: (message: ToControlPlane) => boolean): Outbox {
  /** Accepted attempts; those with an outcome are to be acknowledged. Bounded by the jobs this agent runs. */
  const entries = new Map<string, JournalEntry>();
  let onEmpty: (() => void) | undefined;
  const done = () => [...entries.values()].filter((entry) => entry.outcome !== undefined);

  function deliver({ jobId, attempt, outcome }: JournalEntry): boolean {
    return outcome !== undefined && send({ type: 'job.finished', jobId, attempt, outcome });
  }
  async function finish(attempt: Attempt, outcome: JobOutcome): Promise<void> {
    const accepted = entries.get(attemptKey(attempt));
    if (!accepted) return; // fenced and forgotten
    const entry: JournalEntry = { ...accepted, outcome: bounded(outcome) };
    try {
      await journal.write(entry);
    } finally {
      // Told even where the disk refuses it: a lost outcome would cost a whole attempt.
      if (entries.has(attemptKey(attempt))) {
        entries.set(attemptKey(attempt), entry);
        deliver(entry);
      }
    }
  }
  return {
    async recover() {
      const unfinished = [];
      for (const entry of await journal.entries()) {
        entries.set(attemptKey(entry), entry);
        const { kind, leftover, outcome, replaces } = entry;
        if (outcome) continue;
        const failure = replaces === undefined ? restarted(kind) : restarted(kind, lookAt(replaces));
        if (leftover) unfinished.push({ ...entry, leftover });
        else await finish(entry, { state: 'failed', failure });
      }
      return unfinished;
    },
    async accept(accepted) {
      const entry: JournalEntry = { ...accepted, acceptedAt: new Date().toISOString() };
      await journal.write(entry);
      entries.set(attemptKey(entry), entry);
    },
    async note(attempt, leftover) {
      const accepted = entries.get(attemptKey(attempt));
      if (!accepted) return; // fenced and forgotten
      const entry: JournalEntry = { ...accepted, leftover };
      await journal.write(entry);
      if (entries.has(attemptKey(attempt))) entries.set(attemptKey(attempt), entry);
    },
    finish,
    replay(attempt) {
      const entry = entries.get(attemptKey(attempt));
      if (entry?.outcome === undefined) return false;
      deliver(entry);
      return true;
    },
    replayAll() {
      for (const entry of done()) deliver(entry);
    },
    async forget(attempt) {
      entries.delete(attemptKey(attempt));
      if (done().length === 0) onEmpty?.();
      await journal.forget(attempt);
    },
    pending: () => done().map(({ jobId, attempt }) => ({ jobId, attempt })),
    empty: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted || done().length === 0) return resolve();
        onEmpty = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      }),
  };
}

const MAX_NOTES = 100;
const MAX_NOTE_LENGTH = 1_000;

/** Keeps an outcome within what one frame and the protocol's schemas take. */
function bounded(outcome: JobOutcome): JobOutcome {
  if (outcome.state === 'succeeded' && outcome.result.kind === 'restore') {
    const { report } = outcome.result;
    const notes = report.notes.slice(0, MAX_NOTES).map((note) => note.slice(0, MAX_NOTE_LENGTH));
    const left = report.notes.length - notes.length;
    if (left > 0) notes.push(`… ${left} more notes were left out.`);
    return { ...outcome, result: { ...outcome.result, report: { ...report, notes } } };
  }
  if (outcome.state !== 'failed') return outcome;
  const { failure } = outcome;
  const cut: Failure = {
    ...failure,
    message: failure.message.slice(0, 8192),
    hint: failure.hint.slice(0, 8192),
    ...(failure.sql === undefined ? {} : { sql: failure.sql.slice(0, 8192) }),
    ...(failure.detail === undefined ? {} : { detail: failure.detail.slice(-16_384) }),
  };
  return { state: 'failed', failure: cut };
}

const REMEDY: Record<JobKind, string> = {
  backup: 'It is tried again by itself and uploads only what is missing.',
  restore: 'Nothing was made on the server yet. Start the restore again.',
  drill: 'What it had made was removed when the agent started. Start the drill again.',
};

/** Nobody knows how far a restore in place had come. */
function lookAt(database: string): string {
  return `Look at “${database}” before it is used: what is in it was being replaced, and where that could not be undone it is incomplete. Then start the restore again.`;
}

/** The end of an attempt whose agent died; `remedy` where more is known than its kind. */
export function restarted(kind: JobKind, remedy = REMEDY[kind]): Failure {
  const message = 'The agent was stopped in the middle of this attempt and has been started again.';
  return fail('lease_lost', message, remedy, { retryable: true }).failure;
}
