import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  type RouteComponent,
} from '@tanstack/react-router';
import { PageError } from '../components/failure.tsx';
import { Page, Skeleton } from '../components/layout.tsx';
import { requireSession, safeNext } from './guards.ts';
import { databaseSearch, jobSearch, listSearch } from './list-search.ts';
import { newServerSearch } from './new-server-search.ts';
import { NotFound } from './not-found.tsx';
import { Shell } from './shell.tsx';

const root = createRootRouteWithContext<{ client: QueryClient }>()({ component: Outlet });

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('../pages/setup.tsx'), 'SetupPage'),
});
const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): { next?: string } => {
    const next = safeNext(search.next);
    return next ? { next } : {};
  },
  component: lazyRouteComponent(() => import('../pages/login.tsx'), 'LoginPage'),
});

const join = createRoute({
  getParentRoute: () => root,
  path: '/join',
  component: lazyRouteComponent(() => import('../pages/join.tsx'), 'JoinPage'),
});

const signedIn = createRoute({
  getParentRoute: () => root,
  path: '/signed-in',
  component: lazyRouteComponent(() => import('../pages/signed-in.tsx'), 'SignedInPage'),
});

const app = createRoute({
  getParentRoute: () => root,
  id: 'app',
  beforeLoad: ({ context, location }) => requireSession(context.client, location.href),
  component: Shell,
});

/** A page inside the shell. */
const page = <Path extends string>(path: Path, component: RouteComponent) =>
  createRoute({ getParentRoute: () => app, path, component });

const overview = page(
  '/',
  lazyRouteComponent(() => import('../pages/overview.tsx'), 'OverviewPage'),
);
const agents = createRoute({
  getParentRoute: () => app,
  path: '/agents',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../pages/agents.tsx'), 'AgentsPage'),
});
const agent = page(
  '/agents/$agentId',
  lazyRouteComponent(() => import('../pages/agent.tsx'), 'AgentPage'),
);
const servers = createRoute({
  getParentRoute: () => app,
  path: '/servers',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../pages/servers.tsx'), 'ServersPage'),
});
const addServer = createRoute({
  getParentRoute: () => app,
  path: '/servers/new',
  validateSearch: newServerSearch,
  component: lazyRouteComponent(() => import('../pages/add-server.tsx'), 'AddServerPage'),
});
const server = page(
  '/servers/$serverId',
  lazyRouteComponent(() => import('../pages/server.tsx'), 'ServerPage'),
);
const editServer = page(
  '/servers/$serverId/edit',
  lazyRouteComponent(() => import('../pages/edit-server.tsx'), 'EditServerPage'),
);
const databases = createRoute({
  getParentRoute: () => app,
  path: '/databases',
  validateSearch: databaseSearch,
  component: lazyRouteComponent(() => import('../pages/databases.tsx'), 'DatabasesPage'),
});
const database = page(
  '/databases/$databaseId',
  lazyRouteComponent(() => import('../pages/database.tsx'), 'DatabasePage'),
);
const snapshot = page(
  '/snapshots/$snapshotId',
  lazyRouteComponent(() => import('../pages/snapshot.tsx'), 'SnapshotPage'),
);
const restore = page(
  '/snapshots/$snapshotId/restore',
  lazyRouteComponent(() => import('../pages/restore.tsx'), 'RestorePage'),
);
const jobs = createRoute({
  getParentRoute: () => app,
  path: '/jobs',
  validateSearch: jobSearch,
  component: lazyRouteComponent(() => import('../pages/jobs.tsx'), 'JobsPage'),
});
const job = page(
  '/jobs/$jobId',
  lazyRouteComponent(() => import('../pages/job.tsx'), 'JobPage'),
);
const policies = page(
  '/policies',
  lazyRouteComponent(() => import('../pages/policies.tsx'), 'PoliciesPage'),
);
const vaults = page(
  '/vaults',
  lazyRouteComponent(() => import('../pages/vaults.tsx'), 'VaultsPage'),
);
const account = page(
  '/account',
  lazyRouteComponent(() => import('../pages/account.tsx'), 'AccountPage'),
);
const users = page(
  '/users',
  lazyRouteComponent(() => import('../pages/users.tsx'), 'UsersPage'),
);
const audit = page(
  '/audit',
  lazyRouteComponent(() => import('../pages/audit.tsx'), 'AuditPage'),
);
const settings = page(
  '/settings',
  lazyRouteComponent(() => import('../pages/settings.tsx'), 'SettingsPage'),
);
const apiReference = page(
  '/settings/api',
  lazyRouteComponent(() => import('../pages/api-reference.tsx'), 'ApiReferencePage'),
);

const tree = root.addChildren([
  setup,
  login,
  join,
  signedIn,
  app.addChildren([
    overview,
    agents,
    agent,
    servers,
    addServer,
    server,
    editServer,
    databases,
    database,
    snapshot,
    restore,
    jobs,
    job,
    policies,
    vaults,
    account,
    users,
    audit,
    settings,
    apiReference,
  ]),
]);

/** Every address of the UI; pages are fetched when they are first opened. */
export function createAppRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { client },
    defaultPreload: 'intent',
    scrollRestoration: true,
    defaultPendingComponent: () => (
      <Page title="Loading">
        <Skeleton rows={6} />
      </Page>
    ),
    defaultErrorComponent: ({ error }) => <PageError error={error} />,
    defaultNotFoundComponent: NotFound,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
