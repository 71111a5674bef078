import type { Db } from '../../db/open.ts';
import { insertProviderUser } from '../../db/provider-users.ts';
import { isTurnedAway } from '../../db/turned-away.ts';
import { findUserByEmail } from '../../db/users.ts';
import type { Identity } from './provider.ts';
import type { Admission, ProviderSettings } from './settings.ts';
import { refusal } from './words.ts';

/**
 * Makes an account for somebody whom nobody here knows, if the owner lets the provider's people in.
 * @throws FailureError `sign_in_refused` saying what is against it
 */
export function admitStranger(
  { clock, db }: { db: Db; clock: { now(): number } },
  { admission, name: provider }: ProviderSettings,
  identity: Identity,
): { id: string; name: string; email: string } {
  if (!admission) throw unknown(provider);
  const email = admissible(admission, provider, identity);
  const { issuer, subject } = identity;
  if (isTurnedAway(db, { email, identities: [{ issuer, subject }] })) {
    const hint = 'Ask an owner or admin of this Homeport for an invitation.';
    throw refusal('Your account here was removed.', hint);
  }
  const name = identity.name ?? email;
  const id = db.transaction(
    () => {
      if (findUserByEmail(db, email)) throw takenBySomebody(provider, email);
      const standing = { ...admission, extraRights: [], now: new Date(clock.now()) };
      return insertProviderUser(db, { name, email, issuer, subject }, standing);
    },
    { behavior: 'immediate' },
  );
  return { id, name, email };
}

/** The address of somebody who may come in. */
function admissible({ claim, domains }: Admission, provider: string, identity: Identity): string {
  const { claims, email, emailVerified } = identity;
  if (email === null || !emailVerified) {
    throw refusal(
      `${provider} does not say that your e-mail address is verified.`,
      'Verify it there, or ask an owner or admin of this Homeport for an invitation.',
    );
  }
  if (domains.length > 0 && !domains.includes(email.slice(email.lastIndexOf('@') + 1))) {
    throw refusal(
      `Addresses such as ${email} are not let in by themselves.`,
      'Ask an owner or admin of this Homeport for an invitation.',
    );
  }
  if (claim && ![claims[claim.name]].flat().some((value) => claim.values.includes(String(value)))) {
    throw refusal(
      `${provider} does not count you among those who are let in: its claim “${claim.name}” names none of their values.`,
      'Ask whoever runs it to add you, or an owner or admin of this Homeport for an invitation.',
    );
  }
  return email;
}

function unknown(provider: string) {
  return refusal(
    `Nobody here is connected with your account at ${provider}.`,
    'If you have a password, sign in with it and connect the two under “Your account”. Else ask an owner or admin of this Homeport for an invitation.',
  );
}

function takenBySomebody(provider: string, email: string) {
  return refusal(
    `Somebody here has the address ${email} already, and it is not connected with ${provider}.`,
    'If it is you, sign in as you used to and connect the two under “Your account”.',
  );
}
