import { expect } from 'vitest';
import { ageSessions } from '../support/age-sessions.ts';
import { type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.ts';
import { freePort } from '../support/ports.ts';
import { cookieOf, owner, ownerAt } from './owner.ts';
import { startWorld, type World } from './world.ts';

/** A control plane with an owner, and an OpenID provider that it may use. */
export interface ProviderWorld extends AsyncDisposable {
  world: World;
  provider: OpenIdProvider;
  ada: Awaited<ReturnType<typeof ownerAt>>;
  /** Sets the provider up, as the owner does. */
  configure(more?: object): Promise<Response>;
  /** Goes to the provider from a browser with these cookies. */
  begin(wish: object, cookie?: string): Promise<{ response: Response; url: string; cookie: string }>;
  /** Comes back with what the provider sent, and these cookies. */
  comeBack(address: string, cookie: string): Promise<Response>;
  /** The whole way; the answer to the last step and the cookies the browser then has. */
  go(wish: object, login: string, cookie?: string): Promise<{ response: Response; cookie: string }>;
  /** Joins by an invitation as Grace. @returns the cookies of her browser */
  joined(): Promise<string>;
  /** Makes every session one of a while ago. */
  age(): void;
  /** Why a browser came back in vain. */
  told(response: Response): Promise<{ code: string; message: string; hint: string } | null>;
  me(
    cookie: string,
  ): Promise<{ status: number; user?: { id: string; name: string; role: string; email: string } }>;
}

/** The same with the provider set up, where Grace and Mallory have accounts; Mallory's with the owner's address. */
export async function startPeopledWorld(): Promise<ProviderWorld> {
  const w = await startProviderWorld();
  w.provider.people.set('grace', { name: 'Grace Hopper', email: 'grace@example.org', email_verified: true });
  w.provider.people.set('mallory', { name: 'Mallory', email: owner.email, email_verified: true });
  expect((await w.configure()).status).toBe(200);
  return w;
}

/** An open invitation. @returns its token */
export async function invite({ world }: ProviderWorld, role = 'operator'): Promise<string> {
  const { url } = await world.api.post<{ url: string }>('/invitations', { standing: { role } });
  return new URL(url).hash.slice(1);
}

export async function startProviderWorld(): Promise<ProviderWorld> {
  const port = String(await freePort());
  const world = await startWorld({ HOMEPORT_LOCAL_ENDPOINTS: 'allow', HOMEPORT_PORT: port });
  const provider = await startOpenIdProvider([`${world.url}/api/auth/oidc/callback`]);
  const ada = await ownerAt(world);
  const begin: ProviderWorld['begin'] = async (wish, cookie = '') => {
    const response = await ada.send('POST', '/api/auth/oidc/begin', wish, cookie || ' ');
    const { url = '' } = (await response.clone().json()) as { url?: string };
    return { response, url, cookie: merged(cookie, cookieOf(response)) };
  };
  const comeBack = (address: string, cookie: string) =>
    fetch(address, { headers: { cookie }, redirect: 'manual' });
  const w: ProviderWorld = {
    ...{ world, provider, ada, begin, comeBack },
    configure: (more = {}) => {
      const { clientId, clientSecret, issuer } = provider;
      const wish = { name: 'Works', issuer, clientId, clientSecret, ...more };
      return ada.send('PUT', '/api/v1/sign-in-provider', wish);
    },
    async go(wish, login, cookie = '') {
      const begun = await begin(wish, cookie);
      expect(begun.response.status, await begun.response.text()).toBe(200);
      const response = await comeBack(await provider.signIn(begun.url, login), begun.cookie);
      return { response, cookie: merged(cookie, cookieOf(response)) };
    },
    joined: async () => (await w.go({ for: 'join', token: await invite(w) }, 'grace')).cookie,
    age: () => ageSessions(world.db.$client),
    async told(response) {
      const asked = await ada.send('GET', '/api/v1/sign-in', undefined, cookieOf(response) || ' ');
      return ((await asked.json()) as { failure: never }).failure;
    },
    async me(cookie) {
      const response = await ada.send('GET', '/api/v1/me', undefined, cookie || ' ');
      return { status: response.status, ...(await response.json()) };
    },
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await provider.stop();
    },
  };
  return w;
}

/** Cookies that a browser has after an answer brought some. */
function merged(had: string, brought: string): string {
  const pairs = `${had}; ${brought}`.split('; ').filter((pair) => pair.includes('='));
  return [...new Map(pairs.map((pair) => [pair.split('=')[0], pair])).values()].join('; ');
}

export { cookieOf, owner };
