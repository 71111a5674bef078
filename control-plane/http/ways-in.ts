import { fail } from '../../protocol/failure.ts';
import { waysIn } from '../db/identities.ts';
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
