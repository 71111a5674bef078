import { randomBytes } from 'node:crypto';
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
import { type BulkTransport, createBulkTransport, type WireReply } from './bulk-transport.ts';
import { reasonOf } from './endings.ts';
import type { OutgoingProxy } from './proxy.ts';

const TIMEOUT_MS = 15_000;
/** Less than that, so that what is silent can be named. */
const IDLE_MS = 10_000;
const MAX_REPLY_BYTES = 64 * 1024;

export interface EnrolOptions {
  url: string;
  /** What to go through; directly where absent. */
  proxy?: OutgoingProxy | undefined;
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
 * @throws FailureError `enrolment_token_invalid` | `control_plane_untrusted` | `control_plane_unreachable` |
 *   `policy_denied`, or what stands in the way at the proxy
 */
export async function enrol(options: EnrolOptions): Promise<PinnedControlPlane> {
  const origin = controlPlaneOrigin(options.url);
  const expected = parseEnrolmentToken(options.token).fingerprint;
  if (options.allowedKey !== undefined && options.allowedKey !== expected) throw keyNotAllowed(expected);
  const transport = createBulkTransport(origin, { proxy: options.proxy });
  try {
    return await exchangeToken(options, { origin, transport }, expected);
  } finally {
    transport.close();
  }
}

interface Line {
  origin: URL;
  transport: BulkTransport;
}

async function exchangeToken(
  options: EnrolOptions,
  line: Line,
  expected: string,
): Promise<PinnedControlPlane> {
  const hello = await sayHello(line, options.identity, expected);
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
  const reply = enrolReplySchema.safeParse(await post(line, '/agent/v1/enrol', body));
  if (!reply.success) throw notOurs(line.origin);
  const { agentId, signature: proof, succeeds } = reply.data;
  const signed = enrolReplyTranscript(request, hello.controlPlaneId, reply.data);
  if (!verifyBytes(signed, proof, hello.controlPlaneKey)) throw untrusted();
  return {
    v: 1,
    url: line.origin.origin,
    controlPlaneId: hello.controlPlaneId,
    controlPlaneKey: hello.controlPlaneKey,
    agentId,
    ...(succeeds ? { succeeds } : {}),
    name: options.name,
  };
}

async function sayHello(line: Line, identity: AgentIdentity, expected: string): Promise<EnrolHelloReply> {
  const hello = {
    identityKey: identity.identityKey,
    sealingKey: identity.sealingKey,
    nonce: randomBytes(32).toString('base64url'),
  };
  const reply = enrolHelloReplySchema.safeParse(await post(line, '/agent/v1/enrol/hello', hello));
  if (!reply.success) throw notOurs(line.origin);
  const { signature, ...facts } = reply.data;
  const proven =
    fingerprint(facts.controlPlaneKey) === expected &&
    verifyBytes(enrolHelloTranscript(hello, facts), signature, facts.controlPlaneKey);
  if (!proven) throw untrusted();
  return reply.data;
}

/** The answer's JSON. A redirect is not followed: it is an answer like any other that is none of Homeport's. */
async function post({ origin, transport }: Line, path: string, body: unknown): Promise<unknown> {
  let reply: WireReply;
  try {
    const wire = {
      method: 'POST' as const,
      path,
      headers: { 'content-type': 'application/json' },
      body: [Buffer.from(JSON.stringify(body))],
      replyLimit: MAX_REPLY_BYTES,
      idleMs: IDLE_MS,
    };
    reply = await transport.exchange(wire, AbortSignal.timeout(TIMEOUT_MS));
  } catch (cause) {
    throw unreachable(origin, cause);
  }
  const { status } = reply;
  const json = parseJson(reply.body.toString('utf8'));
  if (status >= 200 && status <= 299) return json;
  const failure = failureSchema.safeParse((json as { error?: unknown } | undefined)?.error);
  if (failure.success) throw new FailureError(failure.data);
  throw noHomeport(origin, `It answered with status ${status}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller reports what is no JSON as no Homeport
  }
}

function unreachable(origin: URL, cause: unknown) {
  if (cause instanceof FailureError) return cause; // the proxy's
  return fail(
    'control_plane_unreachable',
    `${origin.origin} cannot be reached: ${reasonOf(cause)}`,
    'Check the address, DNS and that this host may open outgoing connections to it.',
    { retryable: true, cause },
  );
}

function notOurs(origin: URL) {
  return noHomeport(origin, 'Its answer is not one of a Homeport control plane.');
}

function noHomeport(origin: URL, why: string) {
  return fail(
    'control_plane_unreachable',
    `${origin.origin} is no Homeport control plane. ${why}`,
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
