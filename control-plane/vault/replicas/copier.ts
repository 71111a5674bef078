import { type Failure, toFailure } from '../../../protocol/failure.ts';
import type { Clock } from '../../clock.ts';
import type { LostFile } from './pass.ts';

/** Milliseconds between a pass that failed and the next: doubled each time, up to the longest. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 15 * 60_000;

/** How the copying of one vault stands. Times are milliseconds since the epoch. */
export interface CopierState {
  running: boolean;
  /** What ended the last pass, or is damaged in the vault itself. */
  failure: Failure | null;
  /** When the next pass begins by itself. */
  nextTryAt: number | null;
}

export interface CopierOptions {
  clock: Clock;
  /** One pass over the vault; `first`: the first since the start. */
  pass(signal: AbortSignal, first: boolean): Promise<LostFile[]>;
  /** The state is another one. */
  onChange(): void;
  /** A pass failed; told once for failures that follow each other and are the same. */
  onFailure(failure: Failure): void;
}

/** Keeps a replica up to date: a pass when there is something new, and again after a while where one failed. */
export interface Copier {
  readonly state: CopierState;
  /** There may be something to copy. */
  wake(): void;
  /** Ends the pass under way; resolves when nothing is written any more. */
  stop(): Promise<void>;
}

export function createCopier({ clock, onChange, onFailure, pass }: CopierOptions): Copier {
  const stopping = new AbortController();
  const state: CopierState = { running: false, failure: null, nextTryAt: null };
  let wanted = false;
  let first = true;
  let failures = 0;
  let cancelTimer = () => {};
  let work = Promise.resolve();

  const settle = (failure: Failure | null) => {
    if (failure && failure.message !== state.failure?.message) onFailure(failure);
    state.failure = failure;
    failures = failure ? failures + 1 : 0;
    if (!failure) return;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
    state.nextTryAt = clock.now() + pause;
    cancelTimer = clock.after(pause, wake);
  };

  async function turn(): Promise<void> {
    state.running = true;
    onChange();
    while (wanted && !stopping.signal.aborted) {
      wanted = false;
      cancelTimer();
      state.nextTryAt = null;
      try {
        const lost = await pass(stopping.signal, first);
        first = false;
        settle(lost.length > 0 ? damaged(lost) : null);
      } catch (error) {
        if (stopping.signal.aborted) break;
        settle(toFailure(error));
        break;
      }
    }
    state.running = false;
    // What came in while a pass failed is for the next try.
    if (!stopping.signal.aborted) onChange();
  }

  function wake(): void {
    if (stopping.signal.aborted) return;
    wanted = true;
    if (!state.running) work = turn();
  }

  return {
    state,
    wake,
    async stop() {
      stopping.abort();
      cancelTimer();
      await work;
    },
  };
}

function damaged(lost: LostFile[]): Failure {
  const [first] = lost;
  const others = lost.length === 1 ? '' : ` and ${lost.length - 1} more`;
  return {
    code: 'pack_corrupt',
    message: `The vault itself has no whole copy of ${first?.name}${others}: ${first?.failure.message}`,
    hint: 'Snapshots that need it are not copied. Check the vault, and put the file back from another copy of it.',
    retryable: true,
  };
}
