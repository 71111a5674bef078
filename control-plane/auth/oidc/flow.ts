import * as openid from 'openid-client';
import { z } from 'zod';
import type { MasterKey } from '../../keys/master.ts';
import type { Proof } from './provider.ts';
import { refusal } from './words.ts';

/** What somebody went to the provider for. */
export const errandSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sign-in'), next: z.string().max(500).optional() }),
  /** With the token of an invitation. */
  z.object({ kind: z.literal('join'), token: z.string().min(1).max(128) }),
  /** To connect the account there with the one here, or to sign in once more; of one session. */
  z.object({ kind: z.literal('connect'), userId: z.string(), sessionId: z.string() }),
  z.object({ kind: z.literal('again'), userId: z.string(), sessionId: z.string() }),
]);
export type Errand = z.infer<typeof errandSchema>;

const flowSchema = z.object({
  errand: errandSchema,
  issuer: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  /** Ms since the epoch. */
  begunAt: z.number(),
});

/** One way to the provider and back, kept by the browser that went. */
export type Flow = z.infer<typeof flowSchema>;

/** For how long somebody may be at the provider, in ms. */
export const FLOW_MS = 10 * 60_000;
const LABEL = 'sign-in flow';

/** Ways to the provider that have begun, as text for a cookie which only we can read or make. */
export interface Flows {
  begin(errand: Errand, issuer: string): { flow: Flow; cookie: string };
  /** Whatever the cookie holds, whether or not it is still good; undefined where it is none of ours. */
  look(cookie: string | undefined): Flow | undefined;
  /** Takes a flow, once. @throws FailureError `sign_in_refused` for one that is missing, over, or was taken before */
  take(cookie: string | undefined): Flow;
}

export function createFlows(deps: {
  master: Pick<MasterKey, 'seal' | 'open'>;
  clock: { now(): number };
}): Flows {
  const { clock, master } = deps;
  /** States that came back, with the time after which they would not be taken anyway. */
  const taken = new Map<string, number>();
  const look = (cookie: string | undefined): Flow | undefined => {
    try {
      const sealed = Buffer.from(cookie ?? '', 'base64url').toString('utf8');
      return flowSchema.parse(JSON.parse(master.open(LABEL, sealed)));
    } catch {
      return undefined;
    }
  };
  return {
    look,
    begin(errand, issuer) {
      const flow: Flow = { errand, issuer, ...newProof(), begunAt: clock.now() };
      const cookie = Buffer.from(master.seal(LABEL, JSON.stringify(flow))).toString('base64url');
      return { flow, cookie };
    },
    take(cookie) {
      const now = clock.now();
      for (const [state, until] of taken) if (until <= now) taken.delete(state);
      const flow = look(cookie);
      if (!flow) throw notHere();
      if (flow.begunAt + FLOW_MS <= now || taken.has(flow.state)) throw over();
      taken.set(flow.state, flow.begunAt + FLOW_MS);
      return flow;
    },
  };
}

function newProof(): Proof {
  return {
    state: openid.randomState(),
    nonce: openid.randomNonce(),
    verifier: openid.randomPKCECodeVerifier(),
  };
}

function notHere() {
  return refusal(
    'This sign-in was not begun in this browser, or its cookie was not kept.',
    'Begin it here, under the address that Homeport has; let the browser keep cookies of it.',
  );
}

function over() {
  return refusal('This sign-in is over: it took more than ten minutes, or was used before.', 'Begin again.');
}
