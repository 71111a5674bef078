import { answer, answerFile, api } from './rpc.ts';
import type {
  Assertion,
  AuditFilter,
  PolicyWish,
  ReplicaStore,
  RestoreOrder,
  Right,
  SealedServer,
  SignInProviderWish,
  Standing,
  TableSelection,
  VaultStore,
} from './types.ts';

const one = (id: string) => ({ param: { id } });

/** Everything a page can make happen. Each rejects with an ApiError. */
export const acts = {
  setUp: (json: { token: string; name: string; email: string; password: string }) =>
    answer(api.setup.$post({ json })),

  /** `successorOf`: id of the agent whose place it is for; `confirm`: that one's name, while it is online. */
  createEnrolmentToken: (json: {
    name?: string;
    expiresInMinutes?: number;
    successorOf?: string;
    confirm?: string;
  }) => answer(api['enrolment-tokens'].$post({ json })),
  withdrawEnrolmentToken: (id: string) => answer(api['enrolment-tokens'][':id'].$delete(one(id))),

  renameAgent: (id: string, name: string) => answer(api.agents[':id'].$patch({ ...one(id), json: { name } })),
  labelAgent: (id: string, labels: string[]) =>
    answer(api.agents[':id'].$patch({ ...one(id), json: { labels } })),
  examineAgent: (id: string) => answer(api.agents[':id'].doctor.$post(one(id))),
  updateAgent: (id: string) => answer(api.agents[':id'].update.$post(one(id))),
  updateAll: (json: { canary?: string; batchSize: number }) => answer(api.rollouts.$post({ json })),
  stopRollout: (id: string) => answer(api.rollouts[':id'].stop.$post(one(id))),
  revokeAgent: (id: string, confirm: string) =>
    answer(api.agents[':id'].revoke.$post({ ...one(id), json: { confirm } })),

  probeServer: (json: { agentId: string; serverId: string; name?: string; sealed?: string }) =>
    answer(api.servers.probe.$post({ json })),
  addServer: (json: SealedServer) => answer(api.servers.$post({ json })),
  editServer: ({ id, ...json }: SealedServer) => answer(api.servers[':id'].$put({ ...one(id), json })),
  removeServer: (id: string, confirm: string) =>
    answer(api.servers[':id'].$delete({ ...one(id), json: { confirm } })),

  autoProtect: (id: string, enabled: boolean) =>
    answer(api.servers[':id']['auto-protect'].$put({ ...one(id), json: { enabled } })),
  protect: (serverId: string, names: string[]) => answer(api.databases.$post({ json: { serverId, names } })),
  stopProtecting: (id: string, confirm: string) =>
    answer(api.databases[':id'].$delete({ ...one(id), json: { confirm } })),
  /** `selection`: one to try; the saved one where absent, everything where null. */
  preflightBackup: (id: string, json: { selection?: TableSelection | null } = {}) =>
    answer(api.databases[':id'].preflight.$post({ ...one(id), json })),
  selectTables: (id: string, selection: TableSelection | null) =>
    answer(api.databases[':id'].$patch({ ...one(id), json: { selection } })),
  drill: (id: string) => answer(api.databases[':id'].drill.$post(one(id))),
  putAssertions: (id: string, assertions: Assertion[]) =>
    answer(api.databases[':id'].assertions.$put({ ...one(id), json: { assertions } })),
  backUp: (id: string) => answer(api.databases[':id'].backup.$post(one(id))),

  addPolicy: (json: PolicyWish) => answer(api.policies.$post({ json })),
  changePolicy: (id: string, json: PolicyWish) => answer(api.policies[':id'].$put({ ...one(id), json })),
  removePolicy: (id: string, confirm: string) =>
    answer(api.policies[':id'].$delete({ ...one(id), json: { confirm } })),
  /** `policy`: `inherit`, `none` for by hand only, or the id of one. */
  choosePolicy: (kind: 'databases' | 'servers' | 'agents', id: string, policy: string) =>
    answer(api[kind][':id'].policy.$put({ ...one(id), json: { policy } })),

  /** `note`: null for none. */
  keepSnapshot: (id: string, json: { pinned?: boolean; note?: string | null }) =>
    answer(api.snapshots[':id'].$patch({ ...one(id), json })),
  deleteSnapshot: (id: string, confirm: string) =>
    answer(api.snapshots[':id'].$delete({ ...one(id), json: { confirm } })),

  preflightRestore: (
    snapshotId: string,
    json: { serverId: string; targetDatabase: string; sealed?: string },
  ) => answer(api.snapshots[':id'].restore.preflight.$post({ ...one(snapshotId), json })),
  restore: (snapshotId: string, json: RestoreOrder) =>
    answer(api.snapshots[':id'].restore.$post({ ...one(snapshotId), json })),

  cancelJob: (id: string) => answer(api.jobs[':id'].cancel.$post(one(id))),
  retryJob: (id: string) => answer(api.jobs[':id'].retry.$post(one(id))),

  recoveryKit: (id: string) => answerFile(api.vaults[':id']['recovery-kit'].$post(one(id))),

  makeSelfBackup: () => answer(api['self-backup'].$post()),

  /** Tests the place, then makes the vault there. */
  addVault: (json: { name: string; store: VaultStore }) => answer(api.vaults.$post({ json })),
  changeStore: (id: string, store: VaultStore) =>
    answer(api.vaults[':id'].store.$put({ ...one(id), json: { store } })),
  chooseVault: (id: string) => answer(api.vaults[':id'].use.$post(one(id))),

  /** Tries the place out, then copies the vault there. */
  setReplica: (id: string, store: ReplicaStore) =>
    answer(api.vaults[':id'].replica.$put({ ...one(id), json: { store } })),
  forgetReplica: (id: string, confirm: string) =>
    answer(api.vaults[':id'].replica.$delete({ ...one(id), json: { confirm } })),
  moveVault: (id: string, json: { confirm: string; leaveBehind?: boolean }) =>
    answer(api.vaults[':id'].move.$post({ ...one(id), json })),
  stayVault: (id: string) => answer(api.vaults[':id'].move.$delete(one(id))),
  /** `confirm`: also gives up snapshots that the index has lost. */
  collectVault: (id: string, confirm?: string) =>
    answer(
      api.vaults[':id'].collect.$post({
        ...one(id),
        json: confirm === undefined ? {} : { giveUpForgotten: true, confirm },
      }),
    ),
  checkEvery: (id: string, everyDays: number) =>
    answer(api.vaults[':id'].check.$put({ ...one(id), json: { everyDays } })),
  checkVault: (id: string) => answer(api.vaults[':id'].check.$post(one(id))),

  removePasskey: (id: string) => answer(api.me.passkeys[':id'].$delete(one(id))),
  disconnect: (id: string) => answer(api.me.identities[':id'].$delete(one(id))),
  endSession: (id: string) => answer(api.me.sessions[':id'].$delete(one(id))),
  endOtherSessions: () => answer(api.me.sessions.$delete()),

  invite: (json: { standing: Standing; note?: string }) => answer(api.invitations.$post({ json })),
  withdrawInvitation: (id: string) => answer(api.invitations[':id'].$delete(one(id))),
  changeUser: (id: string, json: Standing) => answer(api.users[':id'].$patch({ ...one(id), json })),
  removeUser: (id: string, confirm: string) =>
    answer(api.users[':id'].$delete({ ...one(id), json: { confirm } })),
  recoveryLink: (id: string) => answer(api.users[':id']['recovery-link'].$post(one(id))),
  lookAtLink: (token: string) => answer(api.links.look.$post({ json: { token } })),
  acceptLink: (json: { token: string; password: string; name?: string; email?: string }) =>
    answer(api.links.accept.$post({ json })),

  /** Asks the provider for its discovery document, then saves. */
  setSignInProvider: (json: SignInProviderWish) => answer(api['sign-in-provider'].$put({ json })),
  removeSignInProvider: (confirm: string) => answer(api['sign-in-provider'].$delete({ json: { confirm } })),

  createApiKey: (json: { name: string; expiresInDays?: number; scopes?: Right[] }) =>
    answer(api['api-keys'].$post({ json })),
  removeApiKey: (id: string) => answer(api['api-keys'][':id'].$delete(one(id))),
};

/** Where the browser fetches the audit log as JSON lines. */
export function auditUrl(filter: AuditFilter): string {
  return `/api/v1/audit/export?${new URLSearchParams({ ...filter })}`;
}

/** Where the browser fetches a snapshot as the engine's native dump. */
export function downloadUrl(snapshotId: string): string {
  return `/api/v1/snapshots/${snapshotId}/download`;
}
