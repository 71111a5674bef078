import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { secureHeaders } from 'hono/secure-headers';
import type { RouterRoute } from 'hono/types';
import { fail } from '../protocol/failure.ts';
import { bulkAuth } from './agents/bulk-auth.ts';
import { admit } from './auth/admit.ts';
import { authenticate, type PrincipalEnv } from './auth/principal.ts';
import type { AppDeps } from './deps.ts';
import { authRoutes } from './http/auth-routes.ts';
import type { RequestEnv } from './http/env.ts';
import { errorHandler } from './http/errors.ts';
import { replyFailure } from './http/failures.ts';
import { limitBody } from './http/limit-body.ts';
import { providerRoutes } from './http/provider-routes.ts';
import { webRoutes } from './http/web.ts';
import { agentRoutes } from './routes/agents.ts';
import { auditRoutes } from './routes/audit.ts';
import { bulkRoutes } from './routes/bulk.ts';
import { bulkReleaseRoutes } from './routes/bulk-release.ts';
import { databaseRoutes } from './routes/databases.ts';
import { drillRoutes } from './routes/drills.ts';
import { enrolRoutes } from './routes/enrol.ts';
import { enrolmentTokenRoutes } from './routes/enrolment-tokens.ts';
import { eventRoutes } from './routes/events.ts';
import { identityRoutes } from './routes/identities.ts';
import { installRoutes } from './routes/install.ts';
import { jobRoutes } from './routes/jobs.ts';
import { linkRoutes } from './routes/links.ts';
import { meRoutes } from './routes/me.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { openapiRoutes } from './routes/openapi.ts';
import { passkeyRoutes } from './routes/passkeys.ts';
import { policyRoutes } from './routes/policies.ts';
import { replicaRoutes } from './routes/replicas.ts';
import { selfBackupRoutes } from './routes/self-backup.ts';
import { serverRoutes } from './routes/servers.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { settingsRoutes } from './routes/settings.ts';
import { setupRoutes } from './routes/setup.ts';
import { signInRoutes } from './routes/sign-in.ts';
import { signInProviderRoutes } from './routes/sign-in-provider.ts';
import { snapshotKeepingRoutes } from './routes/snapshot-keeping.ts';
import { snapshotRoutes } from './routes/snapshots.ts';
import { updateRoutes } from './routes/updates.ts';
import { userRoutes } from './routes/users.ts';
import { vaultRoutes } from './routes/vaults.ts';

/** Room for a server's sealed credentials with a CA bundle. */
const MAX_BODY_BYTES = 512 * 1024;

/** The whole HTTP side: API, agents' endpoints, web UI. The agents' socket is the gateway's. */
export function createApp(deps: AppDeps) {
  const app = new Hono<RequestEnv>();
  const authenticateAgent = bulkAuth(deps.bearers);
  app.onError(errorHandler(deps));
  app.notFound((c) => replyFailure(c, nothingHere(c.req.path)));
  return (
    app
      .use('*', headers(deps.url))
      .use('*', async (c, next) => {
        const { incoming } = c.env ?? {};
        c.set('from', incoming ? deps.clientAddress(incoming) : '');
        await next();
      })
      .get('/healthz', (c) => c.json({ ok: true }))
      .get('/readyz', async (c) => {
        const told = await deps.readiness();
        return c.json(told, told.ready ? 200 : 503);
      })
      // Where Prometheus looks by itself: the API's own route, with its rights.
      .get('/metrics', (c) => app.fetch(new Request(new URL('/api/v1/metrics', c.req.url), c.req.raw), c.env))
      .route('/api/auth/oidc', providerRoutes(deps))
      .route('/api/auth', authRoutes(deps))
      .route(
        '/api/v1',
        apiRoutes(deps, () => app.routes),
      )
      .route('/agent/v1', enrolRoutes(deps))
      .route('/agent/v1', bulkRoutes(deps.agentVault, authenticateAgent))
      .route('/agent/v1', bulkReleaseRoutes(deps.release, authenticateAgent))
      .route('/', installRoutes(deps))
      .all('/api/*', (c) => c.notFound())
      .all('/agent/*', (c) => c.notFound())
      .route('/', webRoutes(deps.webRoot))
  );
}

/** The type the web UI's client is made from. */
export type AppType = ReturnType<typeof createApp>;

/** @param routes all that are registered, once they are */
function apiRoutes(deps: AppDeps, routes: () => readonly RouterRoute[]) {
  return new Hono<PrincipalEnv>()
    .use('*', async (c, next) => {
      // It would be answered by the GET, whose stream nobody reads and nobody ends.
      if (c.req.method === 'HEAD') throw noHead();
      await next();
    })
    .use('*', limitBody(MAX_BODY_BYTES))
    .use('*', tellTime)
    .use('*', async (c, next) => {
      await next();
      if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
    })
    .route('/', setupRoutes(deps))
    .route('/', signInRoutes(deps))
    .route('/', linkRoutes(deps))
    .use('*', authenticate(deps))
    .use('*', admit(deps))
    .route('/', meRoutes(deps))
    .route('/', sessionRoutes(deps))
    .route('/', passkeyRoutes(deps))
    .route('/', identityRoutes(deps))
    .route('/', enrolmentTokenRoutes(deps))
    .route('/', agentRoutes(deps))
    .route('/', updateRoutes(deps))
    .route('/', serverRoutes(deps))
    .route('/', databaseRoutes(deps))
    .route('/', drillRoutes(deps))
    .route('/', policyRoutes(deps))
    .route('/', snapshotRoutes(deps))
    .route('/', snapshotKeepingRoutes(deps))
    .route('/', jobRoutes(deps))
    .route('/', vaultRoutes(deps))
    .route('/', replicaRoutes(deps))
    .route('/', selfBackupRoutes(deps))
    .route('/', userRoutes(deps))
    .route('/', settingsRoutes(deps))
    .route('/', signInProviderRoutes(deps))
    .route('/', auditRoutes(deps))
    .route('/', eventRoutes(deps))
    .route('/', openapiRoutes(deps.url, routes))
    .route('/', metricsRoutes(deps));
}

/** Says how long an answer took here, and how much of it was computing, in milliseconds. */
const tellTime = createMiddleware<PrincipalEnv>(async (c, next) => {
  const [began, busy] = [performance.now(), process.threadCpuUsage()];
  await next();
  // Nobody learns from it how far a sign-in or a link came.
  if (c.get('principal') === undefined) return;
  const { system, user } = process.threadCpuUsage(busy);
  const took = performance.now() - began;
  c.res.headers.set(
    'server-timing',
    `total;dur=${took.toFixed(1)}, cpu;dur=${((system + user) / 1000).toFixed(1)}`,
  );
});

function headers(url: string) {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'"],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
      manifestSrc: ["'self'"],
    },
    permissionsPolicy: { camera: [], microphone: [], geolocation: [] },
    xFrameOptions: 'DENY',
    referrerPolicy: 'no-referrer',
    strictTransportSecurity: url.startsWith('https:') ? 'max-age=31536000' : false,
  });
}

function noHead() {
  return fail('invalid_input', 'The API answers no HEAD.', 'Ask with GET.');
}

function nothingHere(path: string) {
  return fail('not_found', `There is nothing at ${path}.`, 'Check method and path.').failure;
}
