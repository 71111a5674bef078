import { z } from 'zod';
import { FailureError, failureSchema } from '../../protocol/failure.ts';
import {
  type ConnectionKeys,
  challengeSchema,
  type Welcome,
  welcomeSchema,
} from '../../protocol/handshake.ts';
import { acceptWelcome, answerChallenge, type OpenHandshake } from './handshake.ts';
import type { SessionOptions } from './session.ts';

const greetingSchema = z.discriminatedUnion('type', [
  challengeSchema,
  welcomeSchema,
  z.object({ type: z.literal('refused'), failure: failureSchema }),
]);

type Step = { answer: string } | { welcome: Welcome; keys: ConnectionKeys };

/**
 * The plain frames before a connection is authenticated, one call per frame received. Throws where the other
 * side refuses, cannot be trusted or says something out of turn.
 */
export function createGreeting(
  options: Pick<SessionOptions, 'identity' | 'pinned'>,
): (frame: string) => Step {
  let handshake: OpenHandshake | undefined;
  return (frame) => {
    const message = greetingSchema.parse(JSON.parse(frame));
    if (message.type === 'refused') throw new FailureError(message.failure);
    if (message.type === 'challenge' && !handshake) {
      handshake = answerChallenge(message, options.identity, options.pinned);
      return { answer: JSON.stringify(handshake.hello) };
    }
    if (message.type === 'welcome' && handshake) {
      return { welcome: message, keys: acceptWelcome(message, handshake, options.pinned) };
    }
    throw new Error(`“${message.type}” arrived out of turn.`);
  };
}
