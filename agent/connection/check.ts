import { Agent } from 'node:https';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { FailureError, fail, failureSchema } from '../../protocol/failure.ts';
import { MAX_FRAME_BYTES } from '../../protocol/frames.ts';
import {
  challengeSchema,
  checkedSchema,
  type HandshakeChecked,
  type HandshakeFacts,
} from '../../protocol/handshake.ts';
import { controlPlaneOrigin, socketUrl } from './address.ts';
import { connectionFailed, connectionLost, silent } from './endings.ts';
import { answerWithCheck, verifyChecked } from './handshake.ts';
import type { SessionOptions } from './session.ts';

const answerSchema = z.discriminatedUnion('type', [
  challengeSchema,
  checkedSchema,
  z.object({ type: z.literal('refused'), failure: failureSchema }),
]);

/**
 * Asks the control plane over a socket of its own, without connecting: whether it holds the pinned key, knows this
 * agent and speaks its protocol, and who is connected with this identity. A running agent notices nothing.
 * @throws FailureError why not; `invalid_input` from a control plane that is older than this question
 */
export function checkHandshake(
  options: Pick<SessionOptions, 'identity' | 'pinned' | 'proxy'>,
  signal: AbortSignal,
): Promise<HandshakeChecked> {
  const { pinned, proxy } = options;
  const socket = new WebSocket(socketUrl(controlPlaneOrigin(pinned.url)), {
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
    ...(proxy ? { agent: new Agent(proxy.agentOptions()) } : {}),
  });
  const stop = () => socket.terminate();
  signal.addEventListener('abort', stop, { once: true });
  return new Promise<HandshakeChecked>((resolve, reject) => {
    const hear = createHearing(options);
    socket.on('message', (data) => {
      try {
        const step = hear(data.toString());
        if ('checked' in step) resolve(step.checked);
        else socket.send(step.answer);
      } catch (error) {
        reject(error);
      }
    });
    socket.on('error', (error) =>
      reject(new FailureError(signal.aborted ? silent() : connectionFailed(options, error))),
    );
    socket.on('close', (code) => reject(new FailureError(signal.aborted ? silent() : connectionLost(code))));
    if (signal.aborted) stop();
  }).finally(() => {
    signal.removeEventListener('abort', stop);
    socket.terminate();
  });
}

type Step = { answer: string } | { checked: HandshakeChecked };

function createHearing({
  identity,
  pinned,
}: Pick<SessionOptions, 'identity' | 'pinned'>): (frame: string) => Step {
  let facts: HandshakeFacts | undefined;
  return (frame) => {
    const message = parse(frame);
    if (message.type === 'refused') throw new FailureError(message.failure);
    if (message.type === 'challenge' && !facts) {
      const answer = answerWithCheck(message, identity, pinned);
      facts = answer.facts;
      return { answer: JSON.stringify(answer.check) };
    }
    if (message.type === 'checked' && facts) {
      verifyChecked(message, facts, pinned);
      return { checked: message };
    }
    throw notOurs();
  };
}

function parse(frame: string): z.infer<typeof answerSchema> {
  try {
    return answerSchema.parse(JSON.parse(frame));
  } catch {
    throw notOurs();
  }
}

function notOurs(): FailureError {
  return fail(
    'control_plane_unreachable',
    'What answers on the WebSocket is no Homeport control plane.',
    'Check the address, and what a proxy in front of the control plane does with WebSockets.',
  );
}
