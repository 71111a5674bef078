import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
} from '@tanstack/react-router';
import { PageError } from '../components/failure.tsx';
import { Page, Skeleton } from '../components/layout.tsx';
import { requireSession, safeNext } from './guards.ts';
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

const app = createRoute({
  getParentRoute: () => root,
  id: 'app',
  beforeLoad: ({ context, location }) => requireSession(context.client, location.href),
  component: Shell,
});

const overview = createRoute({
  getParentRoute: () => app,
  path: '/',
  component: lazyRouteComponent(() => import('../pages/overview.tsx'), 'OverviewPage'),
});
const agents = createRoute({
  getParentRoute: () => app,
  path: '/agents',
  component: lazyRouteComponent(() => import('../pages/agents.tsx'), 'AgentsPage'),
});
const agent = createRoute({
  getParentRoute: () => app,
  path: '/agents/$agentId',
  component: lazyRouteComponent(() => import('../pages/agent.tsx'), 'AgentPage'),
});
const servers = createRoute({
  getParentRoute: () => app,
  path: '/servers',
  component: lazyRouteComponent(() => import('../pages/servers.tsx'), 'ServersPage'),
});
const addServer = createRoute({
  getParentRoute: () => app,
  path: '/servers/new',
  validateSearch: newServerSearch,
  component: lazyRouteComponent(() => import('../pages/add-server.tsx'), 'AddServerPage'),
});
const server = createRoute({
  getParentRoute: () => app,
  path: '/servers/$serverId',
  component: lazyRouteComponent(() => import('../pages/server.tsx'), 'ServerPage'),
});
const editServer = createRoute({
  getParentRoute: () => app,
  path: '/servers/$serverId/edit',
  component: lazyRouteComponent(() => import('../pages/edit-server.tsx'), 'EditServerPage'),
});
const databases = createRoute({
  getParentRoute: () => app,
  path: '/databases',
  component: lazyRouteComponent(() => import('../pages/databases.tsx'), 'DatabasesPage'),
});
const database = createRoute({
  getParentRoute: () => app,
  path: '/databases/$databaseId',
  component: lazyRouteComponent(() => import('../pages/database.tsx'), 'DatabasePage'),
});
const snapshot = createRoute({
  getParentRoute: () => app,
  path: '/snapshots/$snapshotId',
  component: lazyRouteComponent(() => import('../pages/snapshot.tsx'), 'SnapshotPage'),
});
const restore = createRoute({
  getParentRoute: () => app,
  path: '/snapshots/$snapshotId/restore',
  component: lazyRouteComponent(() => import('../pages/restore.tsx'), 'RestorePage'),
});
const jobs = createRoute({
  getParentRoute: () => app,
  path: '/jobs',
  component: lazyRouteComponent(() => import('../pages/jobs.tsx'), 'JobsPage'),
});
const job = createRoute({
  getParentRoute: () => app,
  path: '/jobs/$jobId',
  component: lazyRouteComponent(() => import('../pages/job.tsx'), 'JobPage'),
});
const vaults = createRoute({
  getParentRoute: () => app,
  path: '/vaults',
  component: lazyRouteComponent(() => import('../pages/vaults.tsx'), 'VaultsPage'),
});
const account = createRoute({
  getParentRoute: () => app,
  path: '/account',
  component: lazyRouteComponent(() => import('../pages/account.tsx'), 'AccountPage'),
});
const users = createRoute({
  getParentRoute: () => app,
  path: '/users',
  component: lazyRouteComponent(() => import('../pages/users.tsx'), 'UsersPage'),
});
const audit = createRoute({
  getParentRoute: () => app,
  path: '/audit',
  component: lazyRouteComponent(() => import('../pages/audit.tsx'), 'AuditPage'),
});
const settings = createRoute({
  getParentRoute: () => app,
  path: '/settings',
  component: lazyRouteComponent(() => import('../pages/settings.tsx'), 'SettingsPage'),
});
const apiReference = createRoute({
  getParentRoute: () => app,
  path: '/settings/api',
  component: lazyRouteComponent(() => import('../pages/api-reference.tsx'), 'ApiReferencePage'),
});

const tree = root.addChildren([
  setup,
  login,
  join,
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
