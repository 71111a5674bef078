import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import { fetchApiDocument } from './openapi.ts';
import { answer, answerPage, api } from './rpc.ts';
import type {
  AgentFilter,
  AuditFilter,
  Database,
  DatabaseFilter,
  JobFilter,
  PolicyDraft,
  Schedule,
  ServerFilter,
} from './types.ts';

/** Rows of one page of a long list. */
export const PAGE_ROWS = 100;
/** Most rows that the API gives at once. */
const MAX_ROWS = 500;
const AUDIT = 100;

async function everyDatabase(filter: DatabaseFilter): Promise<Database[]> {
  const found: Database[] = [];
  for (;;) {
    const query = { ...filter, limit: String(MAX_ROWS), offset: String(found.length) };
    const { rows, total } = await answerPage(api.databases.$get({ query }));
    found.push(...rows);
    if (rows.length === 0 || found.length >= total) return found;
  }
}

const pageAt = (offset: number) => ({ limit: String(PAGE_ROWS), offset: String(offset) });

/**
 * Every question a page asks. The first part of a key is a topic of the event stream, which says when to
 * ask again (`live/events.ts`); nothing polls.
 */
export const queries = {
  setup: () => queryOptions({ queryKey: ['setup'], queryFn: () => answer(api.setup.$get()) }),
  /** Not kept: why a sign-in came to nothing is told once. */
  signIn: () =>
    queryOptions({
      queryKey: ['sign-in'],
      queryFn: () => answer(api['sign-in'].$get()),
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 0,
    }),
  signInProvider: () =>
    queryOptions({
      queryKey: ['sign-in-provider'],
      queryFn: () => answer(api['sign-in-provider'].$get()),
    }),
  me: () => queryOptions({ queryKey: ['me'], queryFn: () => answer(api.me.$get()), meta: { guarded: true } }),
  engines: () =>
    queryOptions({
      queryKey: ['engines'],
      queryFn: () => answer(api.engines.$get()),
      staleTime: Number.POSITIVE_INFINITY,
    }),
  /** The same as long as the control plane is. */
  apiDocument: () =>
    queryOptions({
      queryKey: ['api-document'],
      queryFn: fetchApiDocument,
      staleTime: Number.POSITIVE_INFINITY,
    }),
  overview: () => queryOptions({ queryKey: ['overview'], queryFn: () => answer(api.overview.$get()) }),
  /** How the backups of the last weeks ended, of the whole fleet. */
  history: () =>
    queryOptions({ queryKey: ['overview', 'history'], queryFn: () => answer(api.overview.history.$get()) }),
  /** The same of one database. */
  databaseHistory: (id: string) =>
    queryOptions({
      queryKey: ['databases', id, 'history'],
      queryFn: () => answer(api.databases[':id'].history.$get({ param: { id } })),
    }),
  /** A page of those that a filter finds, from the `offset`th on; as with all lists below. */
  agents: (filter: AgentFilter = {}, offset = 0) =>
    queryOptions({
      queryKey: ['agents', 'list', filter, offset],
      queryFn: () => answerPage(api.agents.$get({ query: { ...filter, ...pageAt(offset) } })),
    }),
  agent: (id: string) =>
    queryOptions({
      queryKey: ['agents', id],
      queryFn: () => answer(api.agents[':id'].$get({ param: { id } })),
    }),
  updates: () => queryOptions({ queryKey: ['updates'], queryFn: () => answer(api.updates.$get()) }),
  /** Asks the agent to look around on its host, live. */
  discovered: (agentId: string) =>
    queryOptions({
      queryKey: ['discovered', agentId],
      queryFn: () => answer(api.agents[':id'].discover.$post({ param: { id: agentId } })),
      staleTime: 60_000,
      retry: false,
    }),
  servers: (filter: ServerFilter = {}, offset = 0) =>
    queryOptions({
      queryKey: ['servers', 'list', filter, offset],
      queryFn: () => answerPage(api.servers.$get({ query: { ...filter, ...pageAt(offset) } })),
    }),
  /** As many as the API gives at once. */
  serversOfAgent: (agentId: string) =>
    queryOptions({
      queryKey: ['servers', 'of-agent', agentId],
      queryFn: () => answerPage(api.servers.$get({ query: { agentId, limit: String(MAX_ROWS) } })),
    }),
  server: (id: string) =>
    queryOptions({
      queryKey: ['servers', id],
      queryFn: () => answer(api.servers[':id'].$get({ param: { id } })),
    }),
  /** Asks the agent, live. */
  availableDatabases: (id: string) =>
    queryOptions({
      queryKey: ['available-databases', id],
      queryFn: () => answer(api.servers[':id']['available-databases'].$get({ param: { id } })),
      retry: false,
    }),
  databases: (filter: DatabaseFilter = {}, offset = 0) =>
    queryOptions({
      queryKey: ['databases', 'list', filter, offset],
      queryFn: () => answerPage(api.databases.$get({ query: { ...filter, ...pageAt(offset) } })),
    }),
  /** All that a filter finds, page after page. */
  everyDatabase: (filter: DatabaseFilter) =>
    queryOptions({
      queryKey: ['databases', 'every', filter],
      queryFn: () => everyDatabase(filter),
      staleTime: 0,
    }),
  databaseCounts: (query: { q?: string } = {}) =>
    queryOptions({
      queryKey: ['databases', 'counts', query],
      queryFn: () => answer(api.databases.counts.$get({ query })),
    }),
  database: (id: string) =>
    queryOptions({
      queryKey: ['databases', id],
      queryFn: () => answer(api.databases[':id'].$get({ param: { id } })),
    }),
  snapshots: (databaseId: string, offset = 0) =>
    queryOptions({
      queryKey: ['snapshots', 'list', databaseId, offset],
      queryFn: () => answerPage(api.snapshots.$get({ query: { databaseId, ...pageAt(offset) } })),
    }),
  snapshot: (id: string) =>
    queryOptions({
      queryKey: ['snapshots', id],
      queryFn: () => answer(api.snapshots[':id'].$get({ param: { id } })),
    }),
  /** Newest first. */
  jobs: (filter: JobFilter = {}, offset = 0) =>
    queryOptions({
      queryKey: ['jobs', 'list', filter, offset],
      queryFn: () => answerPage(api.jobs.$get({ query: { ...filter, ...pageAt(offset) } })),
    }),
  job: (id: string) =>
    queryOptions({ queryKey: ['jobs', id], queryFn: () => answer(api.jobs[':id'].$get({ param: { id } })) }),
  assertions: (id: string) =>
    queryOptions({
      queryKey: ['databases', id, 'assertions'],
      queryFn: () => answer(api.databases[':id'].assertions.$get({ param: { id } })),
    }),
  policies: () => queryOptions({ queryKey: ['policies'], queryFn: () => answer(api.policies.$get()) }),
  /** When a schedule comes; asked anew as it is typed. */
  schedulePreview: (schedule: Schedule) =>
    queryOptions({
      queryKey: ['schedule-preview', schedule],
      queryFn: () => answer(api.policies.preview.$post({ json: { schedule } })),
      placeholderData: keepPreviousData,
      retry: false,
      gcTime: 0,
    }),
  /** What a policy would delete; asked anew as it is typed. */
  retentionPreview: (draft: PolicyDraft) =>
    queryOptions({
      queryKey: ['retention-preview', draft],
      queryFn: () => answer(api.policies['preview-retention'].$post({ json: draft })),
      placeholderData: keepPreviousData,
      retry: false,
      gcTime: 0,
    }),
  /** Asks the store itself, which may be far away. */
  vaultSpace: (id: string) =>
    queryOptions({
      queryKey: ['vaults', id, 'space'],
      queryFn: () => answer(api.vaults[':id'].space.$get({ param: { id } })),
    }),
  vaults: () => queryOptions({ queryKey: ['vaults'], queryFn: () => answer(api.vaults.$get()) }),
  sessions: () => queryOptions({ queryKey: ['sessions'], queryFn: () => answer(api.me.sessions.$get()) }),
  passkeys: () => queryOptions({ queryKey: ['passkeys'], queryFn: () => answer(api.me.passkeys.$get()) }),
  identities: () =>
    queryOptions({ queryKey: ['identities'], queryFn: () => answer(api.me.identities.$get()) }),
  users: () => queryOptions({ queryKey: ['users'], queryFn: () => answer(api.users.$get()) }),
  invitations: () =>
    queryOptions({ queryKey: ['invitations'], queryFn: () => answer(api.invitations.$get()) }),
  selfBackup: () =>
    queryOptions({ queryKey: ['self-backup'], queryFn: () => answer(api['self-backup'].$get()) }),
  apiKeys: () => queryOptions({ queryKey: ['api-keys'], queryFn: () => answer(api['api-keys'].$get()) }),
  enrolmentTokens: () =>
    queryOptions({
      queryKey: ['enrolment-tokens'],
      queryFn: () => answer(api['enrolment-tokens'].$get()),
    }),
  /** Newest first, page by page. */
  audit: (filter: AuditFilter = {}) =>
    infiniteQueryOptions({
      queryKey: ['audit', filter],
      queryFn: ({ pageParam }) =>
        answer(
          api.audit.$get({
            query: { ...filter, limit: String(AUDIT), ...(pageParam ? { before: String(pageParam) } : {}) },
          }),
        ),
      initialPageParam: 0,
      getNextPageParam: (page) => (page.length === AUDIT ? page.at(-1)?.id : undefined),
    }),
};
