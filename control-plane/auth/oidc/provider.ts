import * as openid from 'openid-client';
import { z } from 'zod';
import type { Outgoing } from '../../../protocol/outgoing.ts';
import { createGuardedFetch, requireSecure } from './guarded-fetch.ts';
import type { ProviderSettings } from './settings.ts';
import { badDiscovery, badEndpoint, notSignedIn, otherIssuer, unreachable } from './words.ts';

/** What has to come back unchanged for a sign-in to be the one that was begun. */
export interface Proof {
  state: string;
  nonce: string;
  /** Of PKCE. */
  verifier: string;
}

/** What the provider says of somebody; the first two name them, for good. */
export interface Identity {
  issuer: string;
  subject: string;
  email: string | null;
  emailVerified: boolean;
  name: string | null;
  /** When they proved to the provider who they are, in seconds since the epoch; null where it does not say. */
  authenticatedAt: number | null;
  /** Everything else that it says. */
  claims: Readonly<Record<string, unknown>>;
}

/** The way to an OpenID provider, by `openid-client`. */
export interface Provider {
  /** Fetches the discovery document and looks at it. @throws FailureError naming what is wrong with it */
  check(settings: ProviderSettings): Promise<void>;
  /** Where a browser is sent. @param again whether the password is to be asked for in any case */
  authorizationUrl(settings: ProviderSettings, proof: Proof, again: boolean): Promise<URL>;
  /**
   * Turns the code that came back into who it is: signature, issuer, audience, times and nonce are checked.
   * @param answer the address that the browser came back to
   */
  redeem(settings: ProviderSettings, proof: Proof, answer: URL): Promise<Identity>;
}

/** Seconds that a request may take. */
const PATIENCE_S = 10;
/** Seconds that the provider's clock may be ahead or behind. */
export const CLOCK_TOLERANCE_S = 60;
/** For how long a discovery document is taken as it is, in ms. */
const KEPT_MS = 10 * 60_000;
const SCOPE = 'openid email profile';

interface Known {
  key: string;
  config: openid.Configuration;
  at: number;
}

/** @param redirectUri where the provider sends browsers back to */
export function createProvider(deps: {
  outgoing: Outgoing;
  redirectUri: string;
  clock: { now(): number };
}): Provider {
  const { clock, redirectUri } = deps;
  const guarded = createGuardedFetch(deps.outgoing);
  let known: Known | undefined;
  const configOf = async (settings: ProviderSettings): Promise<openid.Configuration> => {
    const key = JSON.stringify([settings.issuer, settings.clientId, settings.clientSecret]);
    if (known?.key === key && clock.now() - known.at < KEPT_MS) return known.config;
    const config = await discover(settings, guarded);
    known = { key, config, at: clock.now() };
    return config;
  };
  return {
    async check(settings) {
      await discover(settings, guarded);
    },
    async authorizationUrl(settings, { nonce, state, verifier }, again) {
      const config = await configOf(settings);
      const code_challenge = await openid.calculatePKCECodeChallenge(verifier);
      const asked = { ...timeAsked(config, again), ...(again ? onceMore(config) : {}) };
      return openid.buildAuthorizationUrl(config, {
        ...{ redirect_uri: redirectUri, scope: SCOPE, state, nonce },
        ...{ code_challenge, code_challenge_method: 'S256', ...asked },
      });
    },
    async redeem(settings, { nonce, state, verifier }, answer) {
      const config = await configOf(settings);
      try {
        const tokens = await openid.authorizationCodeGrant(config, answer, {
          ...{ pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state },
          idTokenExpected: true,
        });
        const claims = tokens.claims() as openid.IDToken;
        const more = await moreOf(config, tokens.access_token, { claims, settings });
        return identityOf({ ...more, ...claims });
      } catch (error) {
        throw notSignedIn(settings.name, error);
      }
    },
  };
}

async function discover(settings: ProviderSettings, guarded: openid.CustomFetch) {
  const { clientId, clientSecret, issuer, name } = settings;
  const metadata = { client_secret: clientSecret, [openid.clockTolerance]: CLOCK_TOLERANCE_S };
  const options: openid.DiscoveryRequestOptions = {
    [openid.customFetch]: guarded,
    timeout: PATIENCE_S,
    // The signature of an ID token is looked at also where it came straight from the provider. Plain HTTP is
    // decided on by the fetch, address by address.
    execute: [openid.enableNonRepudiationChecks, openid.allowInsecureRequests],
  };
  const server = requireSecure(issuer);
  const found = await openid
    .discovery(server, clientId, metadata, undefined, options)
    .catch((error: unknown) => {
      throw unreachable(name, issuer, error);
    });
  requireEndpoints(found.serverMetadata());
  // Whose tokens are taken is whose people are looked up: `openid-client` is content with less.
  if (found.serverMetadata().issuer !== issuer) throw otherIssuer(issuer, found.serverMetadata().issuer);
  const { token_endpoint_auth_methods_supported: ways = ['client_secret_basic'] } = found.serverMetadata();
  if (ways.includes('client_secret_post')) return found;
  return openid.discovery(server, clientId, metadata, openid.ClientSecretBasic(clientSecret), options);
}

/** @throws FailureError `provider_unavailable` | `invalid_input` */
function requireEndpoints(metadata: openid.ServerMetadata): void {
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const) {
    if (typeof metadata[name] !== 'string') throw badDiscovery(name);
  }
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'] as const) {
    const address = metadata[name];
    if (address !== undefined && !isSecure(address)) throw badEndpoint(name, address);
  }
}

function isSecure(address: string): boolean {
  try {
    return Boolean(requireSecure(address));
  } catch {
    return false;
  }
}

/** Refuses “login”, which every provider has to know. It lets people choose who they are, and counts for no more. */
const WITHOUT_LOGIN_PROMPT = 'https://accounts.google.com';

/** Asks for the password again. */
function onceMore(config: openid.Configuration): Record<string, string> {
  const { issuer } = config.serverMetadata();
  return { prompt: issuer === WITHOUT_LOGIN_PROMPT ? 'select_account' : 'login', max_age: '0' };
}

/** For how long the provider may take somebody for the one who signed in there, in seconds: 30 days. */
const LONGEST_S = 30 * 24 * 3600;

/** Asks when the password was given: who is asked for a longest age has to say it, others where a request names it. */
function timeAsked(config: openid.Configuration, needed: boolean): Record<string, string> {
  const asked = { max_age: String(LONGEST_S) };
  if (config.serverMetadata().claims_parameter_supported !== true) return asked;
  return {
    ...asked,
    claims: JSON.stringify({ id_token: { auth_time: needed ? { essential: true } : null } }),
  };
}

/** What only the userinfo endpoint says, where something is missing; it has to be about the same person. */
async function moreOf(
  config: openid.Configuration,
  accessToken: string,
  { claims, settings }: { claims: openid.IDToken; settings: ProviderSettings },
): Promise<Record<string, unknown>> {
  const wanted = ['email', 'name', settings.admission?.claim?.name ?? 'email'];
  const complete = wanted.every((name) => claims[name] !== undefined);
  if (complete || config.serverMetadata().userinfo_endpoint === undefined) return {};
  return openid.fetchUserInfo(config, accessToken, claims.sub);
}

/** A name that can be shown in a line and typed again, of 100 characters at most. */
function nameIn(text: string | null): string | null {
  const plain = [...(text ?? '').replaceAll(/[\p{C}\s]+/gu, ' ').trim()].slice(0, 100).join('').trim();
  return plain === '' ? null : plain;
}

function identityOf(claims: Record<string, unknown>): Identity {
  const text = (name: string) => {
    const value = claims[name];
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
  };
  const { auth_time: at, email_verified: verified } = claims;
  return {
    issuer: String(claims.iss),
    subject: String(claims.sub),
    // It becomes the address of an account.
    email: z.email().max(254).safeParse(text('email')?.toLowerCase()).data ?? null,
    emailVerified: verified === true || verified === 'true',
    name: nameIn(text('name')) ?? nameIn(text('preferred_username')),
    authenticatedAt: typeof at === 'number' ? at : null,
    claims,
  };
}
