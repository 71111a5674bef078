import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { request } from './client.ts';
import type * as t from './types.ts';

const get = <T>(path: string) => request<T>('GET', path);

/** `?a=1&b=2` of the parameters that have a value. */
function search(parameters: Record<string, string | number | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '');
  return given.length ? `?${new URLSearchParams(given.map(([k, v]) => [k, String(v)]))}` : '';
}

/**
 * Every question a page asks. The first part of a key is a topic of the event stream, which says when to
 * ask again (`live/events.ts`); nothing polls.
 */
export const queries = {
  setup: () => queryOptions({ queryKey: ['setup'], queryFn: () => get<{ needed: boolean }>('/setup') }),
  me: () => queryOptions({ queryKey: ['me'], queryFn: () => get<t.Me>('/me'), meta: { guarded: true } }),
  engines: () =>
    queryOptions({
      queryKey: ['engines'],
      queryFn: () => get<t.EngineDescriptor[]>('/engines'),
      staleTime: Number.POSITIVE_INFINITY,
    }),
  overview: () => queryOptions({ queryKey: ['overview'], queryFn: () => get<t.Overview>('/overview') }),
  agents: () => queryOptions({ queryKey: ['agents'], queryFn: () => get<t.Agent[]>('/agents') }),
  agent: (id: string) =>
    queryOptions({ queryKey: ['agents', id], queryFn: () => get<t.Agent>(`/agents/${id}`) }),
  servers: () => queryOptions({ queryKey: ['servers'], queryFn: () => get<t.Server[]>('/servers') }),
  server: (id: string) =>
    queryOptions({ queryKey: ['servers', id], queryFn: () => get<t.Server>(`/servers/${id}`) }),
  /** Asks the agent, live. */
  availableDatabases: (serverId: string) =>
    queryOptions({
      queryKey: ['available-databases', serverId],
      queryFn: () => get<{ databases: t.AvailableDatabase[] }>(`/servers/${serverId}/available-databases`),
      retry: false,
    }),
  databases: (filter: { serverId?: string } = {}) =>
    queryOptions({
      queryKey: ['databases', 'list', filter],
      queryFn: () => get<t.Database[]>(`/databases${search(filter)}`),
    }),
  database: (id: string) =>
    queryOptions({ queryKey: ['databases', id], queryFn: () => get<t.Database>(`/databases/${id}`) }),
  snapshots: (databaseId: string) =>
    queryOptions({
      queryKey: ['snapshots', 'list', databaseId],
      queryFn: () => get<t.Snapshot[]>(`/snapshots${search({ databaseId })}`),
    }),
  snapshot: (id: string) =>
    queryOptions({ queryKey: ['snapshots', id], queryFn: () => get<t.SnapshotDetail>(`/snapshots/${id}`) }),
  jobs: (filter: { databaseId?: string; state?: string; limit?: number } = {}) =>
    queryOptions({
      queryKey: ['jobs', 'list', filter],
      queryFn: () => get<t.Job[]>(`/jobs${search(filter)}`),
      placeholderData: keepPreviousData,
    }),
  job: (id: string) =>
    queryOptions({ queryKey: ['jobs', id], queryFn: () => get<t.JobDetail>(`/jobs/${id}`) }),
  vaults: () => queryOptions({ queryKey: ['vaults'], queryFn: () => get<t.Vault[]>('/vaults') }),
  apiKeys: () => queryOptions({ queryKey: ['api-keys'], queryFn: () => get<t.ApiKey[]>('/api-keys') }),
  enrolmentTokens: () =>
    queryOptions({
      queryKey: ['enrolment-tokens'],
      queryFn: () => get<t.EnrolmentToken[]>('/enrolment-tokens'),
    }),
  audit: (limit: number) =>
    queryOptions({
      queryKey: ['audit', limit],
      queryFn: () => get<t.AuditEntry[]>(`/audit${search({ limit })}`),
      placeholderData: keepPreviousData,
    }),
};
