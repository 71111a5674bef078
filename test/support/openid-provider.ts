import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import Provider, { type Context } from 'oidc-provider';

/** How a provider that is not to be trusted changes an ID token before it hands it out. */
export interface Lie {
  claims?: (true_: JWTPayload) => JWTPayload;
  /** Signs with a key that is not in its key set. */
  otherKey?: boolean;
}

/** A real OpenID provider on loopback: people sign in at its page with any password. */
export interface OpenIdProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What it says of somebody, by their login; nobody else has an account. */
  readonly people: Map<string, Record<string, unknown>>;
  /** What it hands out from now on; undefined: the truth. */
  lie: Lie | undefined;
  /** Paths that it was asked for. */
  readonly asked: string[];
  /** Sends a browser of its own through the sign-in page. @returns where the provider sends it back to */
  signIn(authorizationUrl: string, login: string): Promise<string>;
  stop(): Promise<void>;
}

const CLIENT = { clientId: 'homeport', clientSecret: 'a secret that only the two know' };
const ALG = 'ES256';

/** @param redirectUris what its client may send browsers back to @param host as people and Homeport name it */
export async function startOpenIdProvider(
  redirectUris: string[],
  host = '127.0.0.1',
): Promise<OpenIdProvider> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://${host}:${(server.address() as AddressInfo).port}`;
  const [own, other] = await Promise.all([key(), key()]);
  const people: OpenIdProvider['people'] = new Map();
  const asked: string[] = [];
  const provider = new Provider(issuer, {
    clients: [clientOf(redirectUris)],
    jwks: { keys: [own.jwk] },
    cookies: { keys: ['test'] },
    scopes: ['openid', 'email', 'profile'],
    claims: { email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    // All that it says is in the ID token, as most providers can be told.
    conformIdTokenClaims: false,
    findAccount: (_ctx: Context, login: string) =>
      people.has(login) && { accountId: login, claims: () => ({ sub: login, ...people.get(login) }) },
    loadExistingGrant: granted,
  });
  const self: OpenIdProvider = {
    ...{ issuer, ...CLIENT, people, asked, lie: undefined },
    signIn: (url, login) => signIn(url, login, redirectUris),
    stop: () => close(server),
  };
  provider.use(async (ctx, next) => {
    await next();
    // Its own sign-in page wants a typeface from the web.
    if (typeof ctx.body === 'string') ctx.body = ctx.body.replace(/@import url\([^)]*\);/, '');
    if (typeof ctx.body !== 'object') return;
    const token = ctx.body?.id_token;
    if (ctx.oidc?.route !== 'token' || typeof token !== 'string' || !self.lie || !ctx.body) return;
    const { claims = (same: JWTPayload) => same, otherKey = false } = self.lie;
    const { jwk, privateKey } = otherKey ? other : own;
    const header = { alg: ALG, kid: otherKey ? own.jwk.kid : jwk.kid };
    ctx.body.id_token = await new SignJWT(claims(decodeJwt(token)))
      .setProtectedHeader(header)
      .sign(privateKey);
  });
  server.on('request', (request) => asked.push(request.url ?? ''));
  server.on('request', provider.callback());
  return self;
}

function clientOf(redirectUris: string[]) {
  return {
    client_id: CLIENT.clientId,
    client_secret: CLIENT.clientSecret,
    redirect_uris: redirectUris,
    response_types: ['code'],
    grant_types: ['authorization_code'],
    id_token_signed_response_alg: ALG,
    token_endpoint_auth_method: 'client_secret_post',
  };
}

async function key() {
  const { privateKey } = await generateKeyPair(ALG, { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), alg: ALG, use: 'sig' };
  return { privateKey, jwk };
}

/** Whoever signs in agrees to what is asked for. */
async function granted({ oidc }: Context) {
  if (!oidc) return undefined;
  const { client, provider, session } = oidc;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope('openid email profile');
  await grant.save();
  return grant;
}

/** Follows redirects with the cookies it is given, and types the login where it is asked for. */
async function signIn(authorizationUrl: string, login: string, redirectUris: string[]): Promise<string> {
  const jar = new Map<string, string>();
  const visit = async (url: string, body?: URLSearchParams) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const method = body ? { method: 'POST', body } : {};
    const response = await fetch(url, { ...method, headers: { cookie }, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/s);
      jar.set(name, value);
    }
    return response;
  };
  let url = authorizationUrl;
  let response = await visit(url);
  for (let step = 0; step < 10; step += 1) {
    const location = response.headers.get('location');
    if (location !== null) {
      url = new URL(location, url).href;
      if (redirectUris.some((uri) => url.startsWith(uri))) return url;
      response = await visit(url);
      continue;
    }
    const page = await response.text();
    const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
    if (!action || !prompt) throw new Error(`The provider shows no form at ${url}:\n${page.slice(0, 2000)}`);
    const form = new URLSearchParams({ prompt, login, password: 'any' });
    response = await visit(new URL(action, url).href, form);
  }
  throw new Error(`The provider sends its visitor around: ${url}`);
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
