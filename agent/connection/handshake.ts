import { randomBytes } from 'node:crypto';
import { type FailureError, fail } from '../../protocol/failure.ts';
import {
  type Challenge,
  type ConnectionKeys,
  checkedTranscript,
  checkTranscript,
  connectionKeys,
  type Ephemeral,
  generateEphemeral,
  type HandshakeCheck,
  type HandshakeChecked,
  type HandshakeFacts,
  type Hello,
  handshakeFacts,
  helloTranscript,
  signBytes,
  verifyBytes,
  type Welcome,
  welcomeTranscript,
} from '../../protocol/handshake.ts';
import { HOMEPORT_VERSION, negotiate, PROTOCOL } from '../../protocol/version.ts';
import type { AgentIdentity } from '../identity.ts';
import type { PinnedControlPlane } from '../state/control-plane.ts';

/** The agent's half of a handshake between `challenge` and `welcome`. */
export interface OpenHandshake {
  facts: HandshakeFacts;
  ephemeral: Ephemeral;
  hello: Hello;
}

/** Answers a challenge. @throws FailureError `control_plane_untrusted` | `protocol_mismatch` */
export function answerChallenge(
  challenge: Challenge,
  identity: AgentIdentity,
  pinned: PinnedControlPlane,
): OpenHandshake {
  const { ephemeral, facts, unsigned } = prepareAnswer(challenge, pinned);
  const signature = signBytes(helloTranscript(facts), identity.signingKey);
  return { facts, ephemeral, hello: { type: 'hello', ...unsigned, signature } };
}

/** Answers a challenge without wanting to connect. @throws FailureError as {@link answerChallenge} does */
export function answerWithCheck(
  challenge: Challenge,
  identity: AgentIdentity,
  pinned: PinnedControlPlane,
): { facts: HandshakeFacts; check: HandshakeCheck } {
  const { facts, unsigned } = prepareAnswer(challenge, pinned);
  const signature = signBytes(checkTranscript(facts), identity.signingKey);
  return { facts, check: { type: 'check', ...unsigned, signature } };
}

/** Checks who answered the check. @throws FailureError `control_plane_untrusted` */
export function verifyChecked(
  checked: HandshakeChecked,
  facts: HandshakeFacts,
  pinned: PinnedControlPlane,
): void {
  if (!verifyBytes(checkedTranscript(facts, checked), checked.signature, pinned.controlPlaneKey)) {
    throw untrusted();
  }
}

function prepareAnswer(challenge: Challenge, pinned: PinnedControlPlane) {
  if (challenge.controlPlaneId !== pinned.controlPlaneId) throw untrusted();
  if (negotiate(PROTOCOL, challenge.protocol) === undefined) throw mismatch(challenge);
  const ephemeral = generateEphemeral();
  const unsigned = {
    agentId: pinned.agentId,
    nonce: randomBytes(32).toString('base64url'),
    ephemeral: ephemeral.publicRaw,
    protocol: PROTOCOL,
    version: HOMEPORT_VERSION,
  };
  return { unsigned, ephemeral, facts: handshakeFacts(challenge, unsigned) };
}

/** Checks the welcome against the pinned key and derives the connection's keys. @throws FailureError `control_plane_untrusted` */
export function acceptWelcome(
  welcome: Welcome,
  handshake: OpenHandshake,
  pinned: PinnedControlPlane,
): ConnectionKeys {
  const { facts, ephemeral } = handshake;
  const signed = verifyBytes(welcomeTranscript(facts, welcome), welcome.signature, pinned.controlPlaneKey);
  // The highest common version is not the control plane's to choose: a lower one would be a downgrade.
  if (!signed || welcome.protocol !== negotiate(PROTOCOL, facts.controlPlaneProtocol)) throw untrusted();
  return connectionKeys(ephemeral, facts.controlPlaneEphemeral, facts);
}

function untrusted(): FailureError {
  return fail(
    'control_plane_untrusted',
    'The control plane at the enrolled address does not prove that it holds the pinned key.',
    'If it was set up anew, enrol this agent again; otherwise something intercepts the connection.',
  );
}

function mismatch(challenge: Challenge): FailureError {
  const { min, max } = challenge.protocol;
  return fail(
    'protocol_mismatch',
    `The control plane speaks protocol ${min}–${max}, this agent ${PROTOCOL.min}–${PROTOCOL.max}.`,
    max < PROTOCOL.min ? 'Update the control plane.' : 'Update this agent.',
  );
}
