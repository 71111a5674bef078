/** What a user is here, from the one who may do everything to the one who may look. */
export const ROLES = ['owner', 'admin', 'operator', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

/** Rights that no role but the owner's holds by itself: what takes data out, puts it back, or ends something. */
export const EXTRA_RIGHTS = ['restore', 'download', 'delete'] as const;
export type ExtraRight = (typeof EXTRA_RIGHTS)[number];

/**
 * - `view`: look at agents, servers, databases, snapshots, jobs.
 * - `fleet`: look at what belongs to no agent: vaults, updates.
 * - `metrics`: the figures of the whole fleet, for monitoring; a key for that needs nothing else.
 * - `operate`: back up, drill, cancel, probe, examine.
 * - `configure`: add and change agents, servers, databases.
 * - `administer`: users, vaults, updates, the audit log, other people’s API keys.
 * - `own`: what opens every backup, and the accounts of owners and admins.
 */
export const RIGHTS = [
  'view',
  'fleet',
  'metrics',
  'operate',
  'configure',
  'administer',
  'own',
  ...EXTRA_RIGHTS,
] as const;
export type Right = (typeof RIGHTS)[number];

export function isRight(text: string): text is Right {
  return (RIGHTS as readonly string[]).includes(text);
}

const OF_ROLE = {
  owner: RIGHTS,
  admin: ['view', 'fleet', 'metrics', 'operate', 'configure', 'administer'],
  operator: ['view', 'fleet', 'metrics', 'operate'],
  viewer: ['view', 'fleet', 'metrics'],
} as const satisfies Record<Role, readonly Right[]>;

/** Rights that are about the whole fleet, or reach through it: whoever sees a part of it has none of them. */
const WHOLE_FLEET: readonly Right[] = ['fleet', 'metrics', 'administer', 'own'];

/** What a user, or whoever is invited, is allowed. */
export interface Standing {
  role: Role;
  extraRights: readonly ExtraRight[];
  /** Only agents with one of these labels; null: the whole fleet. Owners are never limited. */
  labels: readonly string[] | null;
}

/** The owner's standing, which is also that of whoever has the control plane's host. */
export const OWNER: Standing = { role: 'owner', extraRights: [], labels: null };

export function rightsOf({ extraRights, labels, role }: Standing): ReadonlySet<Right> {
  const all: Right[] = [...OF_ROLE[role], ...extraRights];
  return new Set(labels === null ? all : all.filter((right) => !WHOLE_FLEET.includes(right)));
}

/**
 * Whether somebody with `held` may give this standing to others, take it from them or recover such an account.
 * Nobody gives away more than they have, and admins of the whole fleet do not make or unmake their own kind.
 */
export function mayManage(held: ReadonlySet<Right>, standing: Standing): boolean {
  const { labels, role } = standing;
  // `metrics` says no more than `fleet`, which whoever has it has: keys from before it may still give it.
  const beyond = [...rightsOf(standing)].filter((right) => !held.has(right) && right !== 'metrics');
  if (beyond.length > 0) return false;
  if (held.has('own')) return true;
  const lesser = role === 'operator' || role === 'viewer' || (role === 'admin' && labels !== null);
  return held.has('administer') && lesser;
}
