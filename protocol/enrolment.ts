import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { fail } from './failure.ts';
import { bytes32Schema } from './handshake.ts';
import { transcript } from './transcript.ts';

const signature = z.string().max(128);
const sealingKeySchema = z.string().regex(/^age1[a-z0-9]{58}$/);

/** SHA-256 of a raw Ed25519 public key, base64url: what people and tokens compare. */
export function fingerprint(publicRaw: string): string {
  return createHash('sha256').update(Buffer.from(publicRaw, 'base64url')).digest('base64url');
}

/** `hpe_<secret>_<fingerprint of the control plane's key>`, each part 43 base64url characters. */
export function createEnrolmentToken(controlPlaneKey: string): string {
  return `hpe_${randomBytes(32).toString('base64url')}_${fingerprint(controlPlaneKey)}`;
}

/** @throws FailureError `enrolment_token_invalid` for text that is no token */
export function parseEnrolmentToken(token: string): { fingerprint: string } {
  const match = /^hpe_[A-Za-z0-9_-]{43}_([A-Za-z0-9_-]{43})$/.exec(token.trim());
  if (!match?.[1]) {
    throw fail(
      'enrolment_token_invalid',
      'This is not an enrolment token.',
      'Copy the whole token, it begins with hpe_, from “Add agent”.',
    );
  }
  return { fingerprint: match[1] };
}

/** What the control plane keeps of a token: its SHA-256, hex. */
export function enrolmentTokenHash(token: string): string {
  return createHash('sha256').update(token.trim()).digest('hex');
}

/** The agent's keys, made on its host. */
export const agentKeysSchema = z.object({
  /** Ed25519, 32 raw bytes, base64url. */
  identityKey: bytes32Schema,
  /** age X25519 recipient. */
  sealingKey: sealingKeySchema,
});

/** `POST /agent/v1/enrol/hello`: before it shows its token, the agent learns whom it talks to. */
export const enrolHelloSchema = agentKeysSchema.extend({ nonce: bytes32Schema });
export type EnrolHello = z.infer<typeof enrolHelloSchema>;
export const enrolHelloReplySchema = z.object({
  controlPlaneId: z.uuid(),
  controlPlaneKey: bytes32Schema,
  /** age recipient of this process of the control plane; the token is encrypted to it. */
  enrolmentKey: sealingKeySchema,
  signature,
});
export type EnrolHelloReply = z.infer<typeof enrolHelloReplySchema>;

/** Bytes the control plane signs in its reply to hello. */
export function enrolHelloTranscript(hello: EnrolHello, reply: Omit<EnrolHelloReply, 'signature'>): Buffer {
  return transcript('homeport/1 enrol hello', [
    hello.nonce,
    hello.identityKey,
    hello.sealingKey,
    reply.controlPlaneId,
    reply.controlPlaneKey,
    reply.enrolmentKey,
  ]);
}

/**
 * `POST /agent/v1/enrol`: `{ sealed }`, base64 of an age file to `enrolmentKey` holding this as JSON, so that
 * nobody between the two can take the token and enrol keys of his own.
 */
export const enrolRequestSchema = agentKeysSchema.extend({
  nonce: bytes32Schema,
  token: z.string().max(256),
  name: z.string().min(1).max(255),
  /** Name or id of the agent whose place it is to take; has to be the one that the token was made for. */
  succeeds: z.string().min(1).max(255).optional(),
  /** By the agent's identity key over {@link enrolRequestTranscript}. */
  signature,
});
export type EnrolRequest = z.infer<typeof enrolRequestSchema>;

export function enrolRequestTranscript(
  request: Omit<EnrolRequest, 'signature'>,
  controlPlaneId: string,
): Buffer {
  return transcript('homeport/1 enrol request', [
    controlPlaneId,
    request.nonce,
    request.token,
    request.name,
    request.identityKey,
    request.sealingKey,
    ...(request.succeeds === undefined ? [] : [request.succeeds]),
  ]);
}

/** The agent whose place a new one has taken. */
export const predecessorSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  /** Servers that wait for their credentials: those it had were sealed to it alone. */
  waiting: z.number().int().nonnegative(),
});
export type Predecessor = z.infer<typeof predecessorSchema>;

export const enrolReplySchema = z.object({
  agentId: z.uuid(),
  /** Absent where the agent takes nobody's place. */
  succeeds: predecessorSchema.optional(),
  signature,
});
export type EnrolReply = z.infer<typeof enrolReplySchema>;

export function enrolReplyTranscript(
  request: EnrolRequest,
  controlPlaneId: string,
  { agentId, succeeds }: Omit<EnrolReply, 'signature'>,
): Buffer {
  return transcript('homeport/1 enrol reply', [
    controlPlaneId,
    request.nonce,
    request.identityKey,
    request.sealingKey,
    agentId,
    ...(succeeds ? [succeeds.id, succeeds.name, String(succeeds.waiting)] : []),
  ]);
}
