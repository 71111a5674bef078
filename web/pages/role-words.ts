import type { ExtraRight, Right, Role, Standing } from '../api/types.ts';

export const ROLE_WORDS = {
  viewer: { label: 'Viewer', help: 'Looks at everything, changes nothing.' },
  operator: { label: 'Operator', help: 'Also backs up, cancels jobs, tests connections.' },
  admin: {
    label: 'Admin',
    help: 'Also adds and changes agents, servers, databases and vaults, and manages operators and viewers.',
  },
  owner: { label: 'Owner', help: 'May do everything: also save recovery kits and manage admins and owners.' },
} satisfies Record<Role, { label: string; help: string }>;

export const EXTRA_WORDS = {
  restore: { label: 'Restore', help: 'Put snapshots back, also over databases that are there.' },
  download: { label: 'Download', help: 'Take snapshots away as dumps, with all that is in them.' },
  delete: { label: 'End things', help: 'Revoke agents, remove servers, stop protection, give up replicas.' },
} satisfies Record<ExtraRight, { label: string; help: string }>;

export const SCOPE_WORDS = {
  view: 'Look at agents, databases, snapshots, jobs',
  fleet: 'Look at vaults and updates',
  metrics: 'Read metrics, for Prometheus',
  operate: 'Back up, cancel, test connections',
  configure: 'Change agents, servers, databases',
  administer: 'Users, vaults, updates, audit log',
  own: 'Recovery kits, owners and admins',
  restore: 'Restore',
  download: 'Download snapshots',
  delete: 'Revoke, remove, stop protection',
} satisfies Record<Right, string>;

/** A standing in a few words, e.g. `Operator, may restore`. */
export function standingText({ extraRights, role }: Standing): string {
  const extras = extraRights.map((right) => EXTRA_WORDS[right].label.toLowerCase());
  if (role === 'owner' || extras.length === 0) return ROLE_WORDS[role].label;
  return `${ROLE_WORDS[role].label}, may ${extras.join(', ')}`;
}
