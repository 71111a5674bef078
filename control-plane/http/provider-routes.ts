import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { type Failure, fail, toFailure } from '../../protocol/failure.ts';
import { requireFreshSince } from '../auth/admit.ts';
import { CLIENT_HEADER } from '../auth/auth.ts';
import { lookAtLink } from '../auth/links.ts';
import { type Arrival, arrive } from '../auth/oidc/arrivals.ts';
import type { Errand, Flow } from '../auth/oidc/flow.ts';
import type { Identity } from '../auth/oidc/provider.ts';
import type { ProviderSettings } from '../auth/oidc/settings.ts';
import { refusal } from '../auth/oidc/words.ts';
import { checkOrigin } from '../auth/principal.ts';
import { findIdentity } from '../db/identities.ts';
import { endSession, endSessionOf } from '../db/sessions.ts';
import type { AppDeps } from '../deps.ts';
import type { RequestEnv } from './env.ts';
import { toldOf } from './errors.ts';
import { limitBody } from './limit-body.ts';
import { isOwnPath } from './own-path.ts';
import { validate } from './validate.ts';

const MAX_BODY_BYTES = 4 * 1024;

/** What somebody goes to the provider for; whose session it is about says the cookie. */
const beginBody = z.discriminatedUnion('for', [
  z.object({ for: z.literal('sign-in'), next: z.string().max(500).optional() }),
  z.object({ for: z.literal('join'), token: z.string().min(1).max(128) }),
  z.object({ for: z.literal('connect') }),
  z.object({ for: z.literal('again') }),
]);

type Deps = Pick<
  AppDeps,
  'auth' | 'audit' | 'clock' | 'db' | 'events' | 'flowCookies' | 'log' | 'oidc' | 'origins' | 'url'
>;

/** To the OpenID provider and back; to be mounted at `/api/auth/oidc`. */
export function providerRoutes(deps: Deps) {
  const { flowCookies, oidc } = deps;
  return (
    new Hono<RequestEnv>()
      .use('*', limitBody(MAX_BODY_BYTES))
      .use('*', async (c, next) => {
        await next();
        c.res.headers.set('cache-control', 'no-store');
      })
      .post('/begin', validate('json', beginBody), async (c) => {
        requireOwnAddress(deps, c.req.header('origin'));
        await requireTurn(deps, c);
        const settings = oidc.settings.read();
        if (!settings) throw notConfigured();
        const errand = await errandOf(deps, c, c.req.valid('json'));
        const { cookie, flow } = oidc.flows.begin(errand, settings.issuer);
        const again = errand.kind === 'connect' || errand.kind === 'again';
        const url = await oidc.provider.authorizationUrl(settings, flow, again);
        flowCookies.keep(c, cookie);
        return c.json({ url: url.href });
      })
      // A GET, to which the provider sends the browser: nothing is done without the cookie of the one that went.
      .get('/callback', async (c) => {
        const cookie = flowCookies.take(c);
        const flow = oidc.flows.look(cookie);
        const refuse = (failure: Failure) => {
          flowCookies.tell(c, failure);
          return c.redirect(whereElse(flow));
        };
        const tooMany = await requireTurn(deps, c).then(() => undefined, toFailure);
        // Without a line in the audit log: it would be one for each of them.
        if (tooMany) return refuse(tooMany);
        let identity: Identity | undefined;
        try {
          const settings = configuredFor(deps, oidc.flows.take(cookie));
          identity = await whoCameBack(deps, c, settings);
          await comeBack(deps, c, { ...settings, identity });
          return c.redirect(whereNow(flow));
        } catch (error) {
          const failure = toldOf(toFailure(error));
          noteRefusal(deps, c, { flow, failure, error, identity });
          return refuse(failure);
        }
      })
  );
}

/** The cookie is for one address, and the provider sends people back to that. @throws FailureError `forbidden` */
function requireOwnAddress({ origins, url }: Deps, origin: string | undefined): void {
  checkOrigin(origin, origins);
  if (origin === new URL(url).origin) return;
  const hint = `Open ${url}. If people use another address, set HOMEPORT_URL to it.`;
  throw fail('forbidden', 'The provider sends people back to another address than this page has.', hint);
}

/** Counts against the limit that other sign-ins have. @throws FailureError `sign_in_refused` */
async function requireTurn({ auth, url }: Deps, c: Context<RequestEnv>): Promise<void> {
  const headers = { [CLIENT_HEADER]: c.get('from') };
  const attempt = new Request(new URL('/api/auth/oidc/attempt', url), { method: 'POST', headers });
  if ((await auth.handler(attempt)).status !== 429) return;
  throw refusal('Too many attempts from your address.', 'Wait a minute, then try again.');
}

async function errandOf(
  deps: Deps,
  c: Context<RequestEnv>,
  wish: z.infer<typeof beginBody>,
): Promise<Errand> {
  if (wish.for === 'sign-in') return { kind: 'sign-in', next: wish.next };
  if (wish.for === 'join') {
    lookAtLink(deps, wish.token);
    return { kind: 'join', token: wish.token };
  }
  const session = await sessionOf(deps, c);
  if (!session) throw fail('unauthorized', 'You are not signed in.', 'Sign in, then begin again.');
  if (wish.for === 'connect') requireFreshSince(session.signedInAt);
  return { kind: wish.for, userId: session.userId, sessionId: session.id };
}

async function sessionOf({ auth }: Deps, c: Context<RequestEnv>) {
  const found = await auth.api.getSession({ headers: c.req.raw.headers });
  if (!found) return undefined;
  const { createdAt, id, userId } = found.session;
  return { id, userId, signedInAt: new Date(createdAt).getTime() };
}

interface Way {
  flow: Flow;
  settings: ProviderSettings;
}

/** The provider that a flow went to. @throws FailureError `sign_in_refused` where it is another one by now */
function configuredFor({ oidc }: Deps, flow: Flow): Way {
  const settings = oidc.settings.read();
  if (settings?.issuer !== flow.issuer) throw notConfigured();
  return { flow, settings };
}

/** Whom the provider says it sends back. @throws FailureError */
function whoCameBack({ oidc }: Deps, c: Context<RequestEnv>, { flow, settings }: Way): Promise<Identity> {
  const answer = new URL(oidc.redirectUri);
  answer.search = new URL(c.req.url).search;
  return oidc.provider.redeem(settings, flow, answer);
}

/** Does what they went for. @throws FailureError */
async function comeBack(
  deps: Deps,
  c: Context<RequestEnv>,
  { flow, identity, settings }: Way & { identity: Identity },
): Promise<void> {
  const { audit, db, events } = deps;
  const session = await sessionOf(deps, c);
  const arrival = arrive(deps, { flow, identity, settings, session });
  const { issuer, subject } = identity;
  if (arrival.signsIn) await signIn(deps, c, { ...arrival.user, issuer, subject, ...arrival.signsIn });
  if (arrival.signsIn && session) endSession(db, session.userId, session.id);
  const { action, details, user } = arrival;
  const by = { kind: 'user' as const, id: user.id, name: user.name };
  const target = action === 'user.sign-in' ? {} : { target: by };
  // The row that says which account there it was goes with the connection.
  audit({
    actor: by,
    action,
    ...target,
    from: c.get('from'),
    details: { ...details, ...accountOf(identity) },
  });
  if (action !== 'user.sign-in') events.changed('settings');
}

/** Which account at the provider, for the audit log. */
function accountOf({ email, subject }: Identity) {
  return { subject, ...(email ? { email } : {}) };
}

/** A session in the browser that asks; none where the two were disconnected at the same moment. */
async function signIn(
  { auth, db }: Deps,
  c: Context<RequestEnv>,
  who: Arrival['user'] & { issuer: string; subject: string; provedAt: number },
): Promise<void> {
  const headers = new Headers(c.req.raw.headers);
  headers.set(CLIENT_HEADER, c.get('from'));
  const made = await auth.api.signInAs({
    ...{ body: { userId: who.id, provedAt: who.provedAt }, headers, returnHeaders: true },
  });
  if (findIdentity(db, who.issuer, who.subject)?.userId !== who.id) {
    endSessionOf(db, made.response.token);
    throw refusal('Your account here was disconnected at the same moment.', 'Sign in by another way.');
  }
  for (const cookie of made.headers.getSetCookie()) c.header('set-cookie', cookie, { append: true });
}

interface Refused {
  flow: Flow | undefined;
  failure: Failure;
  error: unknown;
  /** Whom the provider sent; undefined where that was not found out. */
  identity: Identity | undefined;
}

function noteRefusal(
  { audit, log }: Deps,
  c: Context<RequestEnv>,
  { error, failure, flow, identity }: Refused,
): void {
  if (failure.code === 'internal') log.error({ err: error }, 'a sign-in with the provider failed');
  else log.info({ code: failure.code, err: error }, failure.message);
  // Anybody can make any browser come here: what was not begun in it is not worth a line in the audit log.
  if (!flow) return;
  const userId = 'userId' in flow.errand ? flow.errand.userId : null;
  const account = identity ? accountOf(identity) : {};
  const details = { provider: flow.issuer, why: failure.message, ...account };
  const actor = { kind: 'user' as const, id: userId, name: null };
  audit({ actor, action: 'user.sign-in-refused', from: c.get('from'), details });
}

/** The page that goes on; only a path of our own. */
function whereNow(flow: Flow | undefined): string {
  switch (flow?.errand.kind) {
    case 'connect':
      return '/account';
    case 'again':
      return '/signed-in';
    case 'sign-in':
      return flow.errand.next !== undefined && isOwnPath(flow.errand.next) ? flow.errand.next : '/';
    default:
      return '/';
  }
}

/** The page that says what went wrong. */
function whereElse(flow: Flow | undefined): string {
  switch (flow?.errand.kind) {
    case 'connect':
      return '/account';
    case 'again':
      return '/signed-in';
    case 'join':
      // In the fragment, which browsers do not send and servers do not log.
      return `/join#${flow.errand.token}`;
    default:
      return '/login';
  }
}

function notConfigured() {
  return refusal(
    'Signing in with this provider is not set up here, or not any more.',
    'Sign in with your password or passkey, or ask an owner or admin of this Homeport.',
  );
}
