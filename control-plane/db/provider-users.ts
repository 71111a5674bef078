import { randomUUID } from 'node:crypto';
import type { Standing } from '../auth/rights.ts';
import { insertIdentity } from './identities.ts';
import type { Db } from './open.ts';
import { insertUser } from './users.ts';

/** Somebody as an OpenID provider names them. */
export interface ProviderUser {
  name: string;
  email: string;
  issuer: string;
  subject: string;
}

/** Makes an account that is come in to with one at a provider alone; call it in a transaction. @returns its id */
export function insertProviderUser(
  db: Db,
  { email, issuer, name, subject }: ProviderUser,
  { extraRights, labels, now, role }: Standing & { now: Date },
): string {
  const id = randomUUID();
  insertUser(db, { id, name, email, passwordHash: null, role, extraRights, labels, now });
  insertIdentity(db, { userId: id, issuer, subject, now });
  return id;
}
