import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { fail } from '../../protocol/failure.ts';
import type { Clock } from '../clock.ts';
import type { Db } from '../db/open.ts';
import { readSetting, takeSetting, writeSetting } from '../db/settings.ts';
import { countUsers, insertUser } from '../db/users.ts';
import { OWNER } from './rights.ts';

const SETTING = 'setup-token';

/** Whether nobody owns this control plane yet. */
export function setupNeeded(db: Db): boolean {
  return countUsers(db) === 0;
}

/**
 * A fresh set-up link; links printed earlier stop working.
 * @throws FailureError `conflict` where an owner exists
 */
export function createSetupLink(db: Db, url: string): string {
  if (!setupNeeded(db)) throw alreadyOwned();
  const token = randomBytes(32).toString('base64url');
  writeSetting(db, SETTING, hash(token));
  // In the fragment, which browsers do not send and servers do not log.
  return `${url}/setup#${token}`;
}

export interface Owner {
  name: string;
  email: string;
  password: string;
}

/**
 * Makes the first user. Link and user change in one transaction: of two that race one wins, and a crash leaves
 * either a working link or an owner.
 * @throws FailureError `conflict` | `forbidden`
 */
export async function createOwner(
  deps: { db: Db; clock: Clock; hashPassword(password: string): Promise<string> },
  token: string,
  owner: Owner,
): Promise<{ id: string }> {
  const { clock, db } = deps;
  if (!setupNeeded(db)) throw alreadyOwned();
  // Before the hashing, which is slow by design: strangers cannot have that done.
  if (readSetting(db, SETTING) !== hash(token)) throw badLink();
  const passwordHash = await deps.hashPassword(owner.password);
  const id = randomUUID();
  db.transaction(
    () => {
      if (!setupNeeded(db)) throw alreadyOwned();
      if (!takeSetting(db, SETTING, hash(token))) throw badLink();
      const { email, name } = owner;
      insertUser(db, { ...OWNER, id, name, email, passwordHash, now: new Date(clock.now()) });
    },
    { behavior: 'immediate' },
  );
  return { id };
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function alreadyOwned() {
  return fail('conflict', 'This control plane has an owner.', 'Sign in instead.');
}

function badLink() {
  return fail(
    'forbidden',
    'This set-up link is not, or no longer, valid.',
    'Use the link printed last in the log, or print a new one with: homeport setup-link',
  );
}
