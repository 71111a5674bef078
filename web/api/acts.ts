import { request } from './client.ts';
import type * as t from './types.ts';

const post = <T>(path: string, body?: unknown) => request<T>('POST', path, body ?? {});
const remove = (path: string, body?: unknown) => request<unknown>('DELETE', path, body);

/** Everything a page can make happen. Each rejects with an ApiError. */
export const acts = {
  setUp: (owner: { token: string; name: string; email: string; password: string }) =>
    post<unknown>('/setup', owner),

  createEnrolmentToken: (body: { name?: string; expiresInMinutes?: number }) =>
    post<t.NewEnrolmentToken>('/enrolment-tokens', body),
  withdrawEnrolmentToken: (id: string) => remove(`/enrolment-tokens/${id}`),

  renameAgent: (id: string, name: string) => request<t.Agent>('PATCH', `/agents/${id}`, { name }),
  revokeAgent: (id: string, confirm: string) => post<unknown>(`/agents/${id}/revoke`, { confirm }),

  probeServer: (body: { agentId: string; serverId: string; sealed?: string }) =>
    post<t.ServerFacts>('/servers/probe', body),
  addServer: (server: t.SealedServer) => post<t.Server>('/servers', server),
  editServer: ({ id, ...server }: t.SealedServer) => request<t.Server>('PUT', `/servers/${id}`, server),
  removeServer: (id: string, confirm: string) => remove(`/servers/${id}`, { confirm }),

  protect: (serverId: string, names: string[]) => post<t.Database[]>('/databases', { serverId, names }),
  stopProtecting: (id: string, confirm: string) => remove(`/databases/${id}`, { confirm }),
  preflightBackup: (id: string) => post<t.BackupPreflight>(`/databases/${id}/preflight`),
  backUp: (id: string) => post<t.Job>(`/databases/${id}/backup`),

  preflightRestore: (snapshotId: string, target: { serverId: string; targetDatabase: string }) =>
    post<t.RestorePreflight>(`/snapshots/${snapshotId}/restore/preflight`, target),
  restore: (snapshotId: string, body: { serverId: string; plan: t.RestorePlan; confirm: string }) =>
    post<t.Job>(`/snapshots/${snapshotId}/restore`, body),

  cancelJob: (id: string) => post<t.Job>(`/jobs/${id}/cancel`),
  retryJob: (id: string) => post<t.Job>(`/jobs/${id}/retry`),

  createApiKey: (body: { name: string; expiresInDays?: number }) =>
    post<t.ApiKey & { key: string }>('/api-keys', body),
  removeApiKey: (id: string) => remove(`/api-keys/${id}`),
};

/** Where the browser fetches a snapshot as the engine's native dump. */
export function downloadUrl(snapshotId: string): string {
  return `/api/v1/snapshots/${snapshotId}/download`;
}
