import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import {
  type EnrolHelloReply,
  type EnrolRequest,
  enrolHelloReplySchema,
  enrolHelloTranscript,
  enrolReplySchema,
  enrolReplyTranscript,
  enrolRequestTranscript,
  fingerprint,
  parseEnrolmentToken,
} from '../../protocol/enrolment.ts';
import { FailureError, fail, failureSchema } from '../../protocol/failure.ts';
import { signBytes, verifyBytes } from '../../protocol/handshake.ts';
import { encryptTo } from '../../protocol/vault/keys.ts';
import type { AgentIdentity } from '../identity.ts';
import type { PinnedControlPlane } from '../state/control-plane.ts';
import { controlPlaneOrigin } from './address.ts';

const TIMEOUT_MS = 15_000;
const MAX_REPLY_BYTES = 64 * 1024;

export interface EnrolOptions {
  url: string;
  token: string;
  name: string;
  identity: AgentIdentity;
  /** Name or id of the agent whose place this one is to take; the token has to be for that. */
  succeeds?: string | undefined;
  /** Fingerprint of the only key local policy allows, if it names one. */
  allowedKey: string | undefined;
}

/**
 * Turns a token into a membership. The control plane proves that it holds the key whose fingerprint the
 * token carries before the token is sent, and the token goes out encrypted.
 * @throws FailureError `enrolment_token_invalid` | `control_plane_untrusted` | `control_plane_unreachable` | `policy_denied`
 */
export async function enrol(options: EnrolOptions): Promise<PinnedControlPlane> {
  const origin = controlPlaneOrigin(options.url);
  const expected = parseEnrolmentToken(options.token).fingerprint;
  if (options.allowedKey !== undefined && options.allowedKey !== expected) throw keyNotAllowed(expected);
  const hello = await sayHello(origin, options.identity, expected);
  const { signingKey, identityKey, sealingKey } = options.identity;
  const unsigned = {
    identityKey,
    sealingKey,
    nonce: randomBytes(32).toString('base64url'),
    token: options.token.trim(),
    name: options.name,
    ...(options.succeeds === undefined ? {} : { succeeds: options.succeeds }),
  };
  const signature = signBytes(enrolRequestTranscript(unsigned, hello.controlPlaneId), signingKey);
  const request: EnrolRequest = { ...unsigned, signature };
  const sealed = await encryptTo([hello.enrolmentKey], JSON.stringify(request));
  const body = { sealed: Buffer.from(sealed).toString('base64') };
  const reply = await post(new URL('/agent/v1/enrol', origin), body, enrolReplySchema);
  const proof = enrolReplyTranscript(request, hello.controlPlaneId, reply);
  if (!verifyBytes(proof, reply.signature, hello.controlPlaneKey)) throw untrusted();
  return {
    v: 1,
    url: origin.origin,
    controlPlaneId: hello.controlPlaneId,
    controlPlaneKey: hello.controlPlaneKey,
    agentId: reply.agentId,
    ...(reply.succeeds ? { succeeds: reply.succeeds } : {}),
    name: options.name,
  };
}

async function sayHello(origin: URL, identity: AgentIdentity, expected: string): Promise<EnrolHelloReply> {
  const hello = {
    identityKey: identity.identityKey,
    sealingKey: identity.sealingKey,
    nonce: randomBytes(32).toString('base64url'),
  };
  const reply = await post(new URL('/agent/v1/enrol/hello', origin), hello, enrolHelloReplySchema);
  const { signature, ...facts } = reply;
  const proven =
    fingerprint(reply.controlPlaneKey) === expected &&
    verifyBytes(enrolHelloTranscript(hello, facts), signature, reply.controlPlaneKey);
  if (!proven) throw untrusted();
  return reply;
}

async function post<S extends z.ZodType>(url: URL, body: unknown, schema: S): Promise<z.infer<S>> {
  let status: number;
  let text: string;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    status = response.status;
    text = await boundedText(response);
  } catch (cause) {
    throw unreachable(url, cause);
  }
  const json = parseJson(text);
  if (status < 200 || status > 299) {
    const failure = failureSchema.safeParse((json as { error?: unknown } | undefined)?.error);
    if (failure.success) throw new FailureError(failure.data);
    throw noHomeport(url, `It answered with status ${status}.`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw noHomeport(url, 'Its answer is not one of a Homeport control plane.');
  return parsed.data;
}

async function boundedText(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true });
    if (text.length > MAX_REPLY_BYTES) throw new Error('The answer is too long.');
  }
  return text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller reports what is no JSON as no Homeport
  }
}

function unreachable(url: URL, cause: unknown) {
  const reason = cause instanceof Error ? ((cause.cause as Error | undefined)?.message ?? cause.message) : '';
  return fail(
    'control_plane_unreachable',
    `${url.origin} cannot be reached: ${reason}`,
    'Check the address, DNS and that this host may open outgoing connections to it.',
    { retryable: true, cause },
  );
}

function noHomeport(url: URL, why: string) {
  return fail(
    'control_plane_unreachable',
    `${url.origin} is no Homeport control plane. ${why}`,
    'Check the address.',
  );
}

/** The failure for a control plane that cannot prove that it is the one the token or the pin names. */
function untrusted() {
  return fail(
    'control_plane_untrusted',
    'The control plane at this address does not hold the key the token names. The token was not shown to it, or its answer was changed.',
    'Check the address. If it is right, something in between intercepts the connection.',
  );
}

export function keyNotAllowed(found: string) {
  return fail(
    'policy_denied',
    `The local policy allows another control plane, not the one with key ${found}.`,
    'Change control_plane_key in the agent’s configuration if this control plane is the right one.',
  );
}
