import { randomUUID } from 'node:crypto';
import { FailureError, fail } from '../../protocol/failure.ts';
import { MAX_FRAME_BYTES } from '../../protocol/frames.ts';
import {
  type AgentRequest,
  REQUESTS,
  type RequestKind,
  type RequestOf,
  type ToAgent,
  type ToControlPlane,
  type ValueOf,
} from '../../protocol/messages.ts';
import type { Clock } from '../clock.ts';

/** Questions one agent can be asked at the same time. */
const MAX_PENDING = 64;
const DEFAULT_DEADLINE_MS = 30_000;
/** Questions that take longer, in milliseconds. */
const DEADLINES_MS: Partial<Record<RequestKind, number>> = { doctor: 60_000, update: 10 * 60_000 };
/** Room for counter and MAC is kept. */
const MAX_MESSAGE_BYTES = MAX_FRAME_BYTES - 128;

type Reply = Extract<ToControlPlane, { type: 'reply' }>;
interface Pending {
  kind: RequestKind;
  resolve(value: unknown): void;
  reject(error: FailureError): void;
  cancelDeadline(): void;
}

/** Asks one question; `body` is the request without its kind. */
export type Ask = <K extends RequestKind>(
  kind: K,
  body: Omit<RequestOf<K>, 'kind'>,
  deadlineMs?: number,
) => Promise<ValueOf<K>>;

/** Questions on one connection; each ends by reply, deadline or the end of the connection. */
export interface Requests {
  /** @throws FailureError the agent's own, or `request_timeout` | `agent_offline` | `agent_busy` */
  ask: Ask;
  onReply(reply: Reply): void;
  /** Fails all that is pending. */
  close(): void;
}

export function createRequests(clock: Clock, send: (message: ToAgent) => boolean): Requests {
  const pending = new Map<string, Pending>();

  function settle(id: string): Pending | undefined {
    const entry = pending.get(id);
    pending.delete(id);
    entry?.cancelDeadline();
    return entry;
  }

  return {
    ask(kind, body, deadlineMs = DEADLINES_MS[kind] ?? DEFAULT_DEADLINE_MS) {
      if (pending.size >= MAX_PENDING) return Promise.reject(tooManyQuestions());
      const id = randomUUID();
      return new Promise((resolve, reject) => {
        const cancelDeadline = clock.after(deadlineMs, () => {
          send({ type: 'request.cancel', id });
          settle(id)?.reject(timedOut(deadlineMs));
        });
        pending.set(id, {
          kind,
          resolve: (value) => resolve(value as never),
          reject,
          cancelDeadline,
        });
        const request = { kind, ...body } as unknown as AgentRequest;
        const message = { type: 'request', id, deadlineMs, request } as const;
        // What one agent backed up may be too much for another one's socket, which would break off.
        if (Buffer.byteLength(JSON.stringify(message)) > MAX_MESSAGE_BYTES) {
          settle(id)?.reject(tooLarge());
          return;
        }
        const sent = send(message);
        if (!sent) settle(id)?.reject(agentOffline());
      });
    },
    onReply({ id, result }) {
      const entry = settle(id); // none: it came after its deadline
      if (!entry) return;
      if (!result.ok) {
        entry.reject(new FailureError(result.failure));
        return;
      }
      const value = REQUESTS[entry.kind].value.safeParse(result.value);
      if (value.success) entry.resolve(value.data);
      else entry.reject(badReply(entry.kind));
    },
    close() {
      for (const id of [...pending.keys()]) settle(id)?.reject(agentOffline());
    },
  };
}

/** The failure for whatever needs an agent that is not connected. */
export function agentOffline(): FailureError {
  return fail(
    'agent_offline',
    'The agent is not connected.',
    'Start homeport-agent on its host and try again.',
    {
      retryable: true,
    },
  );
}

function timedOut(deadlineMs: number) {
  return fail(
    'request_timeout',
    `The agent did not answer within ${Math.round(deadlineMs / 1000)} s.`,
    'The database server may be unreachable from the agent. Look at the agent’s log.',
    { retryable: true },
  );
}

function tooManyQuestions() {
  return fail('agent_busy', 'The agent has too many open questions.', 'Try again in a moment.', {
    retryable: true,
  });
}

function tooLarge() {
  return fail(
    'message_too_large',
    'The question does not fit into one message to the agent.',
    'A snapshot of a database with very many roles or extensions has to be restored from its download.',
  );
}

function badReply(kind: string) {
  return fail(
    'unknown_message',
    `The agent’s reply to ${kind} could not be understood.`,
    'Update the agent.',
  );
}
