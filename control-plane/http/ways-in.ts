import { fail } from '../../protocol/failure.ts';
import { waysIn } from '../db/identities.ts';
import { listUsers } from '../db/users.ts';
import type { AppDeps } from '../deps.ts';

/** Before a passkey or a connected account goes. @throws FailureError `conflict` where it is the only way in */
export function requireOtherWay({ db, oidc }: Pick<AppDeps, 'db' | 'oidc'>, userId: string): void {
  const { identities, passkeys, password } = waysIn(db, userId, oidc.settings.read()?.issuer);
  if (password || identities + passkeys > 1) return;
  throw fail(
    'conflict',
    'This is the only way in to your account.',
    'Add a passkey first, or have an admin make you a recovery link, with which you choose a password.',
  );
}

/** Before the sign-in provider goes or becomes another one. @throws FailureError `conflict` where no owner comes in without */
export function requireOwnerWithoutProvider({ db }: Pick<AppDeps, 'db'>): void {
  const owners = listUsers(db).filter(({ role }) => role === 'owner');
  const comesIn = ({ id }: { id: string }) => {
    const { passkeys, password } = waysIn(db, id, undefined);
    return password || passkeys > 0;
  };
  // Without an owner there is nobody to shut out: scripts may set this up first.
  if (owners.length === 0 || owners.some(comesIn)) return;
  throw fail(
    'conflict',
    'No owner has another way in: a mistake here would shut all of you out.',
    'Add a passkey to your account first; then change the sign-in provider.',
  );
}
