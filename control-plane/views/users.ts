import type { Principal } from '../auth/principal.ts';
import { mayManage } from '../auth/rights.ts';
import type { UserLinkRow } from '../db/user-links.ts';
import type { UserRow } from '../db/users.ts';

/** A user as the API shows it to the one who asks. */
export function userView(row: UserRow, { rights, user }: Pick<Principal, 'rights' | 'user'>) {
  const { createdAt, email, extraRights, id, labels, name, role } = row;
  return {
    ...{ id, name, email, role, extraRights, labels },
    createdAt: createdAt.toISOString(),
    /** Whether signing in asks for a code. */
    twoFactor: row.twoFactorEnabled,
    /** Whether the one who asks may change and remove it. */
    manageable: id !== user.id && mayManage(rights, row),
  };
}

/** An invitation as the API shows it; its link is shown once, when it is made. */
export function invitationView(row: UserLinkRow) {
  const { createdAt, createdBy, expiresAt, extraRights, id, labels, note, role } = row;
  return {
    ...{ id, note, role, extraRights, labels, createdBy },
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
}
