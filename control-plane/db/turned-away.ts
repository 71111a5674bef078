import { createHash } from 'node:crypto';
import { identitiesOf } from './identities.ts';
import type { Db } from './open.ts';
import { readSetting, writeSetting } from './settings.ts';

/** By what somebody who was removed would be known if they came again. */
interface Marks {
  email: string | null;
  /** At OpenID providers. */
  identities: readonly { issuer: string; subject: string }[];
}

/** Remembers a user who is about to be removed: whoever was put out does not come back in by themselves. */
export function turnAway(db: Db, { email, id }: { id: string; email: string }): void {
  for (const key of keysOf({ email, identities: identitiesOf(db, id) })) writeSetting(db, key, '');
}

export function isTurnedAway(db: Db, marks: Marks): boolean {
  return keysOf(marks).some((key) => readSetting(db, key) !== undefined);
}

/** Hashes: the name of somebody who is gone is not kept for this. */
function keysOf({ email, identities }: Marks): string[] {
  const marks = identities.map(({ issuer, subject }) => JSON.stringify([issuer, subject]));
  return [...marks, ...(email === null ? [] : [email.toLowerCase()])].map(
    (mark) => `turned-away:${createHash('sha256').update(mark).digest('hex')}`,
  );
}
