import { fail } from '../../../protocol/failure.ts';
import { findIdentity, identitiesOf, insertIdentity } from '../../db/identities.ts';
import type { Db } from '../../db/open.ts';
import { findUser } from '../../db/users.ts';
import { FRESH_MS } from '../admit.ts';
import { acceptByProvider } from '../links.ts';
import { admitStranger } from './admission.ts';
import type { Errand, Flow } from './flow.ts';
import { CLOCK_TOLERANCE_S, type Identity } from './provider.ts';
import type { ProviderSettings } from './settings.ts';
import { refusal } from './words.ts';

/** What became of somebody who came back from the provider. */
export interface Arrival {
  user: { id: string; name: string; email: string };
  /** As the audit log calls it. */
  action: 'user.sign-in' | 'user.join' | 'user.admit' | 'user.connect-provider';
  details: Record<string, string>;
  /** Where they are signed in by it, since when it is sure who they are, in ms since the epoch; null where they were already. */
  signsIn: { provedAt: number } | null;
}

interface ArrivalDeps {
  db: Db;
  clock: { now(): number };
}

interface Back {
  flow: Flow;
  identity: Identity;
  settings: ProviderSettings;
  /** The session that the browser has now. */
  session: { id: string; userId: string } | undefined;
}

/**
 * Does what somebody went to the provider for. Nobody is connected with an account here because of an e-mail address:
 * only by an invitation, by being signed in to it, or by having been connected before.
 * @throws FailureError `sign_in_refused` | `forbidden` | `conflict`
 */
export function arrive(deps: ArrivalDeps, back: Back): Arrival {
  const { errand } = back.flow;
  switch (errand.kind) {
    case 'sign-in':
      return signIn(deps, back);
    case 'join':
      return join(deps, back, errand.token);
    case 'connect':
      return connect(deps, back, errand);
    case 'again':
      return again(deps, back, errand);
  }
}

function signIn(deps: ArrivalDeps, { identity, settings }: Back): Arrival {
  const user = known(deps.db, identity);
  const details = { provider: settings.name };
  if (user) return { user, action: 'user.sign-in', details, signsIn: { provedAt: provedAt(deps, identity) } };
  const admitted = admitStranger(deps, settings, identity);
  const role = settings.admission?.role ?? '';
  return { user: admitted, action: 'user.admit', details: { ...details, role }, signsIn: justNow(deps) };
}

function join(deps: ArrivalDeps, { identity, settings }: Back, token: string): Arrival {
  const { email, issuer, subject } = identity;
  const owner = known(deps.db, identity);
  if (owner) throw connectedAlready(settings.name, 'Sign in with it; the invitation is for somebody else.');
  if (email === null) {
    throw refusal(
      `${settings.name} does not say your e-mail address.`,
      'Let its administrator release the scope “email” to Homeport, or join with a password.',
    );
  }
  const name = identity.name ?? email;
  const { id, link } = acceptByProvider(deps, token, { name, email, issuer, subject });
  const details = {
    ...{ linkId: link.id, madeBy: link.createdBy, role: link.role },
    provider: settings.name,
  };
  return { user: { id, name, email }, action: 'user.join', details, signsIn: justNow(deps) };
}

function connect(deps: ArrivalDeps, back: Back, errand: Errand & { kind: 'connect' }): Arrival {
  const { clock, db } = deps;
  const { identity, settings } = back;
  const user = ofSession(db, back, errand);
  const { issuer, subject } = identity;
  db.transaction(
    () => {
      if (known(db, identity)) {
        throw connectedAlready(settings.name, 'Sign in there as somebody else, or disconnect it here first.');
      }
      if (identitiesOf(db, user.id).some((one) => one.issuer === issuer)) {
        const hint = 'Disconnect that one first.';
        throw fail('conflict', `You are connected with another account at ${settings.name}.`, hint);
      }
      insertIdentity(db, { userId: user.id, issuer, subject, now: new Date(clock.now()) });
    },
    { behavior: 'immediate' },
  );
  return { user, action: 'user.connect-provider', details: { provider: settings.name }, signsIn: null };
}

function again(deps: ArrivalDeps, back: Back, errand: Errand & { kind: 'again' }): Arrival {
  const { flow, identity, settings } = back;
  const { db } = deps;
  const user = ofSession(db, back, errand);
  if (known(db, identity)?.id !== user.id) {
    const hint = `Sign in at ${settings.name} with the account that you are connected with here.`;
    throw refusal(`At ${settings.name} you are somebody else.`, hint);
  }
  requireAnew(settings.name, flow, identity);
  return { user, action: 'user.sign-in', details: { provider: settings.name }, signsIn: justNow(deps) };
}

const justNow = ({ clock }: ArrivalDeps) => ({ provedAt: clock.now() });

/** Whoever is signed in at the provider comes back without having been asked: where it does not say when, it was long ago. */
function provedAt({ clock }: ArrivalDeps, { authenticatedAt }: Identity): number {
  const present = clock.now();
  return authenticatedAt === null ? present - FRESH_MS : Math.min(present, authenticatedAt * 1000);
}

/** @throws FailureError where the provider has not just made sure who it is */
function requireAnew(provider: string, { begunAt }: Flow, { authenticatedAt }: Identity): void {
  if (authenticatedAt === null) {
    throw refusal(
      `${provider} does not say when it asked for your password, so this counts for nothing.`,
      'Have its administrator put the claim “auth_time” into ID tokens. Or use your password or a passkey; an admin can make you a recovery link.',
    );
  }
  if (authenticatedAt >= begunAt / 1000 - CLOCK_TOLERANCE_S) return;
  throw refusal(
    `${provider} did not ask you again who you are.`,
    'Sign out there, then try again. Clocks that differ by more than a minute look the same.',
  );
}

function known(db: Db, { issuer, subject }: Identity) {
  const row = findIdentity(db, issuer, subject);
  return row && findUser(db, row.userId);
}

/** Whose session it was when it began, and is now. */
function ofSession(db: Db, { session }: Back, errand: { userId: string; sessionId: string }) {
  const user = findUser(db, errand.userId);
  if (user && session?.id === errand.sessionId && session.userId === errand.userId) return user;
  throw refusal('You were signed out meanwhile, or in as somebody else.', 'Sign in, then begin again.');
}

function connectedAlready(provider: string, hint: string) {
  return fail('conflict', `Your account at ${provider} is connected with an account here.`, hint);
}
