import type { Failure, FailureError } from '../../protocol/failure.ts';
import type { JobOffer, Progress } from '../../protocol/job.ts';
import type { ToControlPlane } from '../../protocol/messages.ts';
import type { Clock } from '../clock.ts';
import type { OperationContext } from '../engines/driver.ts';
import { createReporter } from './reporter.ts';
import { stallFailure, startStallGuard } from './stall.ts';

const MAX_PHASE_LENGTH = 64;

/** What a running job has at hand, beside what a driver gets. */
export interface JobContext extends OperationContext {
  progress(change: Partial<Omit<Progress, 'phase'>>): void;
  /** Whether the job waits for a control plane or the store behind it; it cannot stall meanwhile. */
  waiting(yes: boolean, store?: Failure): void;
  /** From here on the job runs to its end: what it does now cannot be taken back by a cancel. */
  finalise(): void;
}

export interface ContextOptions {
  offer: JobOffer;
  clock: Clock;
  signal: AbortSignal;
  send(message: ToControlPlane): void;
  onFinalise(): void;
  /** Keeps the name of a database that must not stay; durable once resolved. */
  onScratch(database: string): Promise<void>;
  onStall(failure: FailureError): void;
}

/** The context of one attempt; `end` must be called once it is over. */
export function createJobContext(options: ContextOptions): JobContext & { end(): void } {
  const { offer, clock, signal, send } = options;
  const reporter = createReporter({ attempt: offer, clock, send });
  let phase = 'starting';
  let rawBytes = 0;
  let moved = 0;
  /** What the job waits for. */
  let away: 'control plane' | 'store' = 'control plane';
  const guard = startStallGuard(clock, offer.stallMs, () =>
    options.onStall(stallFailure(offer.stallMs, phase, rawBytes)),
  );
  return {
    signal,
    log: reporter.log,
    phase(name) {
      if (name.slice(0, MAX_PHASE_LENGTH) !== phase) guard.touch();
      phase = name.slice(0, MAX_PHASE_LENGTH);
      reporter.progress({ phase });
    },
    progress(change) {
      rawBytes = change.rawBytes ?? rawBytes;
      const bytes = rawBytes + (change.storedBytes ?? 0);
      if (bytes !== moved) guard.touch();
      moved = bytes;
      reporter.progress(change);
    },
    waiting(yes, store) {
      guard.waiting(yes);
      if (yes) away = store ? 'store' : 'control plane';
      const why = store ? ` ${store.message} ${store.hint}` : '';
      reporter.log(yes ? `The ${away} is away: waiting for it.${why}` : `The ${away} is back.`);
    },
    finalise: options.onFinalise,
    scratch: options.onScratch,
    working: guard.touch,
    end() {
      guard.stop();
      reporter.end();
    },
  };
}
