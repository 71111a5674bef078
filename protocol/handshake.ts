import {
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { z } from 'zod';
import { ed25519Public } from './keys.ts';
import { transcript } from './transcript.ts';
import type { ProtocolRange } from './version.ts';

const rangeSchema = z.object({ min: z.number().int().positive(), max: z.number().int().positive() });
/** 32 bytes, base64url: nonces and public keys. */
export const bytes32Schema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
/** Ed25519 signature, base64url. */
export const signatureSchema = z.string().regex(/^[A-Za-z0-9_-]{86}$/);

/** 1. control plane → agent, as soon as the socket is open. */
export const challengeSchema = z.object({
  type: z.literal('challenge'),
  controlPlaneId: z.uuid(),
  nonce: bytes32Schema,
  /** Ephemeral X25519 public key. */
  ephemeral: bytes32Schema,
  protocol: rangeSchema,
});
/** 2. agent → control plane. */
export const helloSchema = z.object({
  type: z.literal('hello'),
  agentId: z.uuid(),
  nonce: bytes32Schema,
  ephemeral: bytes32Schema,
  protocol: rangeSchema,
  version: z.string().max(64),
  signature: signatureSchema,
});
/** 3. control plane → agent; every later frame is authenticated. */
export const welcomeSchema = z.object({
  type: z.literal('welcome'),
  /** The version both will speak. */
  protocol: z.number().int().positive(),
  /** Bearer for the bulk endpoints; of no use without the key that signs bulk requests. */
  session: z.string().max(256),
  signature: signatureSchema,
});
/** In place of `hello`, from an agent that wants to know how it stands and not to connect. */
export const checkSchema = helloSchema.extend({ type: z.literal('check') });
/** Answer to `check`; the socket is closed after it. */
export const checkedSchema = z.object({
  type: z.literal('checked'),
  /** The version both would speak. */
  protocol: z.number().int().positive(),
  /** The live connection of this identity, if there is one: where it comes from, and since when. */
  connected: z.object({ from: z.string().max(64), since: z.iso.datetime() }).nullable(),
  signature: signatureSchema,
});
export type Challenge = z.infer<typeof challengeSchema>;
export type Hello = z.infer<typeof helloSchema>;
export type Welcome = z.infer<typeof welcomeSchema>;
export type HandshakeCheck = z.infer<typeof checkSchema>;
export type HandshakeChecked = z.infer<typeof checkedSchema>;

/** What both sides must have seen alike for the handshake to succeed. */
export interface HandshakeFacts {
  controlPlaneId: string;
  agentId: string;
  controlPlaneNonce: string;
  agentNonce: string;
  controlPlaneEphemeral: string;
  agentEphemeral: string;
  controlPlaneProtocol: ProtocolRange;
  agentProtocol: ProtocolRange;
  agentVersion: string;
}

export function handshakeFacts(
  challenge: Challenge,
  hello: Omit<Hello | HandshakeCheck, 'signature' | 'type'>,
): HandshakeFacts {
  return {
    controlPlaneId: challenge.controlPlaneId,
    agentId: hello.agentId,
    controlPlaneNonce: challenge.nonce,
    agentNonce: hello.nonce,
    controlPlaneEphemeral: challenge.ephemeral,
    agentEphemeral: hello.ephemeral,
    controlPlaneProtocol: challenge.protocol,
    agentProtocol: hello.protocol,
    agentVersion: hello.version,
  };
}

function common(facts: HandshakeFacts): string[] {
  const range = (r: ProtocolRange) => `${r.min}-${r.max}`;
  return [
    facts.controlPlaneId,
    facts.agentId,
    facts.controlPlaneNonce,
    facts.agentNonce,
    facts.controlPlaneEphemeral,
    facts.agentEphemeral,
    range(facts.controlPlaneProtocol),
    range(facts.agentProtocol),
    facts.agentVersion,
  ];
}

/** Bytes the agent signs in `hello`. */
export function helloTranscript(facts: HandshakeFacts): Buffer {
  return transcript('homeport/1 handshake agent', common(facts));
}

/** Bytes the agent signs in `check`: of no use as a `hello`. */
export function checkTranscript(facts: HandshakeFacts): Buffer {
  return transcript('homeport/1 handshake check agent', common(facts));
}

/** Bytes the control plane signs in `checked`. */
export function checkedTranscript(
  facts: HandshakeFacts,
  { connected, protocol }: Pick<HandshakeChecked, 'protocol' | 'connected'>,
): Buffer {
  const live = connected ? ['connected', connected.from, connected.since] : ['not connected'];
  return transcript('homeport/1 handshake check control-plane', [
    ...common(facts),
    String(protocol),
    ...live,
  ]);
}

/** Bytes the control plane signs in `welcome`: the same facts, the chosen version and the session. */
export function welcomeTranscript(
  facts: HandshakeFacts,
  welcome: Pick<Welcome, 'protocol' | 'session'>,
): Buffer {
  return transcript('homeport/1 handshake control-plane', [
    ...common(facts),
    String(welcome.protocol),
    welcome.session,
  ]);
}

/** Ed25519 signature, base64url. */
export function signBytes(bytes: Uint8Array, key: KeyObject): string {
  return sign(null, bytes, key).toString('base64url');
}

/** Whether `signature` over `bytes` was made by the holder of the raw public key. */
export function verifyBytes(bytes: Uint8Array, signature: string, publicRaw: string): boolean {
  return verify(null, bytes, ed25519Public(publicRaw), Buffer.from(signature, 'base64url'));
}

/** An X25519 key used for one connection only. */
export interface Ephemeral {
  publicRaw: string;
  privateKey: KeyObject;
}

export function generateEphemeral(): Ephemeral {
  const { privateKey } = generateKeyPairSync('x25519');
  return { privateKey, publicRaw: String(createPublicKey(privateKey).export({ format: 'jwk' }).x) };
}

/** Keys of one connection, 32 bytes each. */
export interface ConnectionKeys {
  agentFrames: Buffer;
  controlPlaneFrames: Buffer;
  bulk: Buffer;
}

/**
 * Keys from the ephemeral secret, bound to the whole handshake by the HKDF salt.
 * @param theirs raw X25519 public key of the other side; a low-order point makes this throw
 */
export function connectionKeys(ours: Ephemeral, theirs: string, facts: HandshakeFacts): ConnectionKeys {
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: theirs }, format: 'jwk' });
  const secret = diffieHellman({ privateKey: ours.privateKey, publicKey });
  const salt = createHash('sha256').update(helloTranscript(facts)).digest();
  const derive = (info: string) => Buffer.from(hkdfSync('sha256', secret, salt, info, 32));
  return {
    agentFrames: derive('homeport/1 frames agent'),
    controlPlaneFrames: derive('homeport/1 frames control-plane'),
    bulk: derive('homeport/1 bulk'),
  };
}

/** Close codes of the agent socket; `docs/protocol.md` lists them. */
export const CLOSE = {
  goingAway: 1001,
  tooBig: 1009,
  badHandshake: 4400,
  badSignature: 4401,
  agentUnknown: 4404,
  agentRevoked: 4403,
  duplicate: 4409,
  protocolMismatch: 4426,
  badFrame: 4422,
  superseded: 4410,
  silent: 4408,
} as const;
