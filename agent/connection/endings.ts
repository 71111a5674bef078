import { type Failure, type FailureError, fail, toFailure } from '../../protocol/failure.ts';
import { MAX_FRAME_BYTES } from '../../protocol/frames.ts';
import { CLOSE } from '../../protocol/handshake.ts';
import type { OutgoingProxy } from './proxy.ts';
import { proxyFailure } from './proxy-failures.ts';

/** Close code for an error met while reading a frame. */
export function closeCodeOf(error: unknown): number {
  const { code } = toFailure(error);
  if (code === 'signature_invalid' || code === 'control_plane_untrusted') return CLOSE.badSignature;
  if (code === 'protocol_mismatch') return CLOSE.protocolMismatch;
  return code === 'unknown_message' ? CLOSE.badFrame : CLOSE.badHandshake;
}

/** For a message of ours that does not fit into a frame. */
export function tooLarge(type: string): FailureError {
  return fail(
    'message_too_large',
    `The agent's “${type}” message is larger than ${MAX_FRAME_BYTES} bytes.`,
    'Ask for less at once.',
  );
}

/** For a socket that failed, or never opened. */
export function connectionFailed(
  { pinned, proxy }: { pinned: { url: string }; proxy?: OutgoingProxy | undefined },
  error: Error,
): Failure {
  const onTheWay = proxy && proxyFailure(error, proxy);
  if (onTheWay) return onTheWay.failure;
  const tooBig = (error as NodeJS.ErrnoException).code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
  return fail(
    tooBig ? 'message_too_large' : 'control_plane_unreachable',
    `The connection to ${pinned.url} failed: ${reasonOf(error)}`,
    'Check that the control plane runs and that this host may open outgoing connections to it.',
    { retryable: true },
  ).failure;
}

/** What an error says; where each address of a name failed it says nothing itself. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((one: unknown) => reasonOf(one)).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}

/** For a peer that is dead or stuck. */
export function silent(): Failure {
  return fail(
    'control_plane_unreachable',
    'The control plane has been silent for too long.',
    'The agent reconnects by itself. If this repeats, look for a proxy that cuts idle WebSockets.',
    { retryable: true },
  ).failure;
}

/** For a connection this agent ends by itself. */
export function interrupted(): Failure {
  return fail('cancelled', 'The agent is stopping.', 'Nothing to do.').failure;
}

/** For a socket the other side closed; only the code tells why. */
export function connectionLost(code: number): Failure {
  if (code === CLOSE.agentRevoked) {
    return fail('agent_revoked', 'This agent was revoked.', 'Enrol it again with a new token.').failure;
  }
  if (code === CLOSE.superseded || code === CLOSE.duplicate) {
    return fail(
      'agent_duplicate',
      'Another connection uses this agent’s identity.',
      'If this host was cloned, remove the state directory of the clone and enrol it as an agent of its own.',
      { retryable: true },
    ).failure;
  }
  return fail(
    'control_plane_unreachable',
    `The connection to the control plane was closed (code ${code}).`,
    'The agent reconnects by itself.',
    { retryable: true },
  ).failure;
}
