import { type Failure, type FailureError, fail, toFailure } from '../../protocol/failure.ts';
import type { AgentRequest, ToAgent } from '../../protocol/messages.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Session } from './session.ts';

/** Questions answered at the same time; more are refused, not queued. */
const MAX_CONCURRENT = 8;
/** No question may take longer than this, whatever the control plane allows, in milliseconds. */
const MAX_DEADLINE_MS = 10 * 60_000;

type RequestMessage = Extract<ToAgent, { type: 'request' }>;

/** Answers a question. Throws failures. */
export type Answer = (request: AgentRequest, signal: AbortSignal) => Promise<unknown>;

/** Questions under way: each with its deadline, its way to be cancelled, and exactly one reply. */
export interface Requests {
  receive(message: RequestMessage, session: Session): void;
  cancel(id: string): void;
  /** Nobody is left to hear the answers. */
  cancelAll(): void;
}

export function createRequests(answer: Answer, clock: Clock, log: Log): Requests {
  const open = new Map<string, AbortController>();
  return {
    receive(message, session) {
      const { id } = message;
      if (open.has(id)) return;
      if (open.size >= MAX_CONCURRENT) {
        reply(session, id, { ok: false, failure: busy() });
        return;
      }
      const stop = new AbortController();
      open.set(id, stop);
      const cancelDeadline = clock.after(Math.min(message.deadlineMs, MAX_DEADLINE_MS), () =>
        stop.abort(late(message.request.kind)),
      );
      unlessAborted(answer(message.request, stop.signal), stop.signal)
        .then((value) => reply(session, id, { ok: true, value }))
        .catch((error) => {
          const failure = toFailure(error);
          log.info({ kind: message.request.kind, code: failure.code }, `no answer: ${failure.message}`);
          reply(session, id, { ok: false, failure });
        })
        .finally(() => {
          cancelDeadline();
          open.delete(id);
        });
    },
    cancel: (id) => open.get(id)?.abort(cancelled()),
    cancelAll() {
      for (const stop of open.values()) stop.abort(cancelled());
    },
  };
}

function reply(
  session: Session,
  id: string,
  result: { ok: true; value: unknown } | { ok: false; failure: Failure },
): void {
  session.send({ type: 'reply', id, result });
}

/** The deadline is kept even where the work is slow to end. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function busy(): Failure {
  const message = 'The agent is answering too many questions already.';
  return fail('agent_busy', message, 'Try again in a moment.', { retryable: true }).failure;
}

function late(kind: string): FailureError {
  return fail(
    'request_timeout',
    `“${kind}” did not end in time.`,
    'Look whether the database server is overloaded, then try again.',
    { retryable: true },
  );
}

function cancelled(): FailureError {
  return fail('cancelled', 'The question was withdrawn.', 'Nothing to do.');
}
