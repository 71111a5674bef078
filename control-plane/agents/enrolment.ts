import { randomUUID } from 'node:crypto';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import {
  createEnrolmentToken,
  type EnrolHello,
  type EnrolHelloReply,
  type EnrolReply,
  type EnrolRequest,
  enrolHelloTranscript,
  enrolmentTokenHash,
  enrolReplyTranscript,
  enrolRequestSchema,
  enrolRequestTranscript,
  type Predecessor,
} from '../../protocol/enrolment.ts';
import { fail } from '../../protocol/failure.ts';
import { signBytes, verifyBytes } from '../../protocol/handshake.ts';
import { decryptWith } from '../../protocol/vault/keys.ts';
import type { Audit } from '../audit.ts';
import type { Clock } from '../clock.ts';
import { type AgentRow, findAgent, findAgentByKey, insertAgent } from '../db/agents.ts';
import { type EnrolmentTokenRow, findToken, insertToken, redeemToken } from '../db/enrolment-tokens.ts';
import type { Db } from '../db/open.ts';
import type { Events } from '../events.ts';
import type { ControlPlaneIdentity } from '../keys/identity.ts';
import type { CertifiedAgent } from '../vault/service.ts';
import type { Registry } from './registry.ts';
import { describePredecessor, predecessorFor, takePlace } from './succession.ts';

export interface EnrolmentDeps {
  db: Db;
  identity: ControlPlaneIdentity;
  clock: Clock;
  audit: Audit;
  events: Events;
  registry: Pick<Registry, 'isOnline'>;
  /** Ends connection and jobs of an agent whose place was taken; idempotent. */
  endPredecessor(change: { predecessor: Predecessor; successor: AgentRow }): void;
  /** Keeps the agent revoked even if the database is lost. Durable when it resolves; idempotent. */
  withdrawAgent(agentId: string): Promise<void>;
  /** Makes the vault vouch for the agent's keys; durable when it resolves. */
  certifyAgent(agent: CertifiedAgent): Promise<void>;
}

export interface Enrolment {
  /** A new token; only its hash is kept. */
  createToken(wish: TokenWish): { token: string; row: EnrolmentTokenRow };
  hello(hello: EnrolHello): EnrolHelloReply;
  /** @throws FailureError `enrolment_token_invalid` | `signature_invalid` | `invalid_input` | `conflict` */
  enrol(sealed: Uint8Array, from: string): Promise<EnrolReply>;
}

export interface TokenWish {
  name: string | null;
  lifetimeMs: number;
  by: string;
  /** The agent whose place its bearer takes, and whether that one is cut off even while it is connected. */
  replaces?: { id: string; cutsOff: boolean };
}

export async function createEnrolment(deps: EnrolmentDeps): Promise<Enrolment> {
  const { clock, db, identity } = deps;
  // Lives as long as the process: a recorded exchange opens to nobody later.
  const ageIdentity = await generateX25519Identity();
  const enrolmentKey = await identityToRecipient(ageIdentity);

  return {
    createToken({ name, lifetimeMs, by, replaces }) {
      const token = createEnrolmentToken(identity.publicRaw);
      const now = clock.now();
      const row: EnrolmentTokenRow = {
        id: randomUUID(),
        name,
        tokenHash: enrolmentTokenHash(token),
        createdAt: now,
        expiresAt: now + lifetimeMs,
        createdBy: by,
        usedAt: null,
        agentId: null,
        successorOf: replaces?.id ?? null,
        cutsOff: replaces?.cutsOff ?? false,
      };
      insertToken(db, row);
      return { token, row };
    },
    hello(hello) {
      const facts = { controlPlaneId: identity.id, controlPlaneKey: identity.publicRaw, enrolmentKey };
      return { ...facts, signature: signBytes(enrolHelloTranscript(hello, facts), identity.key) };
    },
    async enrol(sealed, from) {
      const request = await openRequest(ageIdentity, sealed);
      const { signature, ...signed } = request;
      if (!verifyBytes(enrolRequestTranscript(signed, identity.id), signature, request.identityKey)) {
        throw fail('signature_invalid', 'The enrolment is not signed by the key it names.', 'Try again.');
      }
      const { agent, isNew } = redeem(deps, request, clock.now());
      const succeeds = describePredecessor(db, agent);
      // What has happened is told before anything else can fail.
      if (isNew) announce(deps, agent, { from, succeeds });
      if (succeeds) deps.endPredecessor({ predecessor: succeeds, successor: agent });
      // Before the answer, so that an agent that knows its id can commit snapshots; repeated if asked again.
      await deps.certifyAgent(agent);
      if (succeeds) await deps.withdrawAgent(succeeds.id);
      const reply = { agentId: agent.id, ...(succeeds ? { succeeds } : {}) };
      const proof = enrolReplyTranscript(request, identity.id, reply);
      return { ...reply, signature: signBytes(proof, identity.key) };
    },
  };
}

async function openRequest(ageIdentity: string, sealed: Uint8Array): Promise<EnrolRequest> {
  try {
    return enrolRequestSchema.parse(JSON.parse(await decryptWith(ageIdentity, sealed)));
  } catch (cause) {
    throw fail(
      'invalid_input',
      'The enrolment request cannot be opened.',
      'Try again: the control plane may have been restarted in between.',
      { retryable: true, cause },
    );
  }
}

function announce(
  { audit, events }: EnrolmentDeps,
  agent: AgentRow,
  { from, succeeds }: { from: string; succeeds: Predecessor | undefined },
): void {
  const { id, name } = agent;
  const actor = { kind: 'agent', id, name } as const;
  audit({ actor, action: 'agent.enrol', target: { kind: 'agent', id, name }, from });
  if (succeeds) {
    const target = { kind: 'agent', id: succeeds.id, name: succeeds.name };
    const details = { by: name, successorId: id, serversThatWait: succeeds.waiting };
    audit({ actor, action: 'agent.replace', target, from, details });
  }
  events.changed('agents', id);
}

/** Turns a token into an agent, in one transaction: of two that come with the same token one wins. */
function redeem(
  deps: EnrolmentDeps,
  request: EnrolRequest,
  now: number,
): { agent: AgentRow; isNew: boolean } {
  const { db } = deps;
  return db.transaction(
    () => {
      const token = findToken(db, enrolmentTokenHash(request.token));
      if (!token) throw invalidToken('is not known here');
      if (token.agentId !== null) return { agent: sameAgentAgain(db, token, request), isNew: false };
      if (token.expiresAt <= now) throw invalidToken('has expired');
      if (findAgentByKey(db, request.identityKey)) throw alreadyEnrolled();
      const predecessor = predecessorFor(deps, token, request);
      const { identityKey, sealingKey } = request;
      const id = randomUUID();
      const name = token.name ?? request.name;
      const predecessorId = predecessor?.id ?? null;
      const labels = predecessor?.labels ?? [];
      insertAgent(db, { id, name, identityKey, sealingKey, predecessorId, labels, createdAt: now });
      if (predecessor) takePlace(db, { of: predecessor.id, by: id, now });
      if (!redeemToken(db, { id: token.id, agentId: id, now })) throw invalidToken('was used already');
      return { agent: findAgent(db, id) as AgentRow, isNew: true };
    },
    { behavior: 'immediate' },
  );
}

/** The reply of a first try may have been lost: the same keys with the same token get the same answer. */
function sameAgentAgain(db: Db, token: EnrolmentTokenRow, request: EnrolRequest): AgentRow {
  const agent = findAgent(db, String(token.agentId));
  const same = agent?.identityKey === request.identityKey && agent.sealingKey === request.sealingKey;
  if (!agent || !same || agent.revokedAt !== null) throw invalidToken('was used already');
  return agent;
}

function invalidToken(why: string) {
  return fail(
    'enrolment_token_invalid',
    `The enrolment token ${why}.`,
    'Make a new token with “Add agent”; each enrols one agent.',
  );
}

function alreadyEnrolled() {
  return fail(
    'conflict',
    'This agent is enrolled here already.',
    'Run homeport-agent run; or remove its state directory to enrol it as a new agent.',
  );
}
