import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Failure, type FailureCode, type FailureError, fail } from '../../protocol/failure.ts';
import {
  type Challenge,
  CLOSE,
  type ConnectionKeys,
  checkedTranscript,
  checkSchema,
  checkTranscript,
  connectionKeys,
  type Ephemeral,
  generateEphemeral,
  type HandshakeCheck,
  type HandshakeChecked,
  type HandshakeFacts,
  type Hello,
  handshakeFacts,
  helloSchema,
  helloTranscript,
  signBytes,
  verifyBytes,
  type Welcome,
  welcomeTranscript,
} from '../../protocol/handshake.ts';
import { HOMEPORT_VERSION, negotiate, PROTOCOL } from '../../protocol/version.ts';
import type { AgentRow } from '../db/agents.ts';
import type { ControlPlaneIdentity } from '../keys/identity.ts';
import { agentReplaced } from './succession.ts';

/** What the control plane remembers between its challenge and the answer. */
export interface OpenChallenge {
  challenge: Challenge;
  ephemeral: Ephemeral;
}

export function createChallenge(controlPlaneId: string): OpenChallenge {
  const ephemeral = generateEphemeral();
  const challenge: Challenge = {
    type: 'challenge',
    controlPlaneId,
    nonce: randomBytes(32).toString('base64url'),
    ephemeral: ephemeral.publicRaw,
    protocol: PROTOCOL,
  };
  return { challenge, ephemeral };
}

/** An agent that proved who it is. */
export interface ProvenAgent {
  agent: AgentRow;
  /** How it answered: to connect, or only to know how it stands. */
  hello: Hello | HandshakeCheck;
  facts: HandshakeFacts;
  keys: ConnectionKeys;
  protocol: number;
}

/** What is known of agents, by their id. */
export interface AgentBook {
  agent(id: string): AgentRow | undefined;
  /** The agent that took its place. */
  successor(id: string): AgentRow | undefined;
}

/**
 * Checks an agent's answer to the challenge.
 * @throws FailureError `invalid_input` | `agent_unknown` | `signature_invalid` | `agent_revoked` | `protocol_mismatch`
 */
export function checkHello(
  text: string,
  { challenge, ephemeral }: OpenChallenge,
  book: AgentBook,
): ProvenAgent {
  const hello = parseHello(text);
  const agent = book.agent(hello.agentId);
  if (!agent) throw refusals.unknown();
  const facts = handshakeFacts(challenge, hello);
  // The signature comes first: what is said about an agent is said to that agent only.
  const signed = hello.type === 'check' ? checkTranscript(facts) : helloTranscript(facts);
  if (!verifyBytes(signed, hello.signature, agent.identityKey)) throw refusals.signature();
  if (agent.revokedAt !== null) throw agentRevoked(book.successor(agent.id));
  const protocol = negotiate(PROTOCOL, hello.protocol);
  if (protocol === undefined) throw refusals.protocol(hello);
  return { agent, hello, facts, keys: agree(ephemeral, hello, facts), protocol };
}

/** The signed welcome that ends a handshake. */
export function createWelcome(proven: ProvenAgent, session: string, identity: ControlPlaneIdentity): Welcome {
  const chosen = { protocol: proven.protocol, session };
  const signature = signBytes(welcomeTranscript(proven.facts, chosen), identity.key);
  return { type: 'welcome', ...chosen, signature };
}

/** What an agent that only asks is told: that this is its control plane, that it is known, and who is connected as it. */
export function createChecked(
  proven: ProvenAgent,
  connected: HandshakeChecked['connected'],
  identity: ControlPlaneIdentity,
): HandshakeChecked {
  const facts = { protocol: proven.protocol, connected };
  const signature = signBytes(checkedTranscript(proven.facts, facts), identity.key);
  return { type: 'checked', ...facts, signature };
}

const answerSchema = z.discriminatedUnion('type', [helloSchema, checkSchema]);

function parseHello(text: string): Hello | HandshakeCheck {
  try {
    return answerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw refusals.malformed(cause);
  }
}

function agree(ephemeral: Ephemeral, hello: Hello | HandshakeCheck, facts: HandshakeFacts): ConnectionKeys {
  try {
    return connectionKeys(ephemeral, hello.ephemeral, facts);
  } catch (cause) {
    throw refusals.malformed(cause); // a low-order point
  }
}

const refusals = {
  malformed: (cause?: unknown) =>
    fail('invalid_input', 'The hello is not one of this protocol.', 'Update the agent.', { cause }),
  unknown: () =>
    fail(
      'agent_unknown',
      'This control plane does not know the agent.',
      'Enrol it again with a new token from “Add agent”.',
    ),
  signature: () =>
    fail(
      'signature_invalid',
      'The hello is not signed with the key this agent enrolled with.',
      'Enrol the agent again with a new token from “Add agent”.',
    ),
  protocol: (hello: Hello | HandshakeCheck) =>
    fail(
      'protocol_mismatch',
      `The agent (${hello.version}) speaks protocol ${hello.protocol.min}–${hello.protocol.max}, the control plane ${PROTOCOL.min}–${PROTOCOL.max}.`,
      hello.protocol.max < PROTOCOL.min ? 'Update the agent.' : 'Update the control plane.',
    ),
};

/** For an agent that left when it had read the challenge, before it said who it is. */
export function noCommonVersion(): FailureError {
  const { max, min } = PROTOCOL;
  return fail(
    'protocol_mismatch',
    `An agent speaks no protocol version that this control plane (${HOMEPORT_VERSION}) does: ${min}–${max}.`,
    'Update the older of the two: “homeport-agent status” on the agent’s host says which.',
  );
}

/** The refusal of an agent whose membership was ended, by a person or by the successor that has its place. */
export function agentRevoked(successor: AgentRow | undefined): FailureError {
  if (successor) return agentReplaced(successor);
  return fail(
    'agent_revoked',
    'This agent was revoked.',
    'Remove its state directory and enrol it again if it should come back.',
  );
}

/** The refusal of a second connection while the first one is alive. */
export function duplicateAgent(): FailureError {
  return fail(
    'agent_duplicate',
    'Another process is connected with this agent’s identity.',
    'If the machine was cloned, remove the clone’s state directory and enrol it by itself.',
    { retryable: true },
  );
}

const CLOSE_CODES: Partial<Record<FailureCode, number>> = {
  agent_unknown: CLOSE.agentUnknown,
  agent_revoked: CLOSE.agentRevoked,
  agent_duplicate: CLOSE.duplicate,
  protocol_mismatch: CLOSE.protocolMismatch,
  signature_invalid: CLOSE.badSignature,
};

/** Close code of the socket for a handshake that failed so. */
export function closeCodeFor(failure: Failure): number {
  return CLOSE_CODES[failure.code] ?? CLOSE.badHandshake;
}
