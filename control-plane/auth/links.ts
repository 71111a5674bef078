import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { type FailureError, fail } from '../../protocol/failure.ts';
import type { Db } from '../db/open.ts';
import { insertProviderUser, type ProviderUser } from '../db/provider-users.ts';
import {
  dropExpiredLinks,
  dropLinksOf,
  findLink,
  insertLink,
  takeLink,
  type UserLinkRow,
} from '../db/user-links.ts';
import { findUser, findUserByEmail, insertUser, resetPassword } from '../db/users.ts';
import { HOST_USER } from './api-keys.ts';
import { mayManage, OWNER, rightsOf, type Standing } from './rights.ts';

interface LinkDeps {
  db: Db;
  clock: { now(): number };
  /** Address people use, without a trailing slash. */
  url: string;
}

interface NewLink {
  row: UserLinkRow;
  /** Shown once; only the hash of its token is kept. */
  url: string;
}

interface LinkWish {
  lifetimeMs: number;
  /** Who makes it. */
  by: { id: string; name: string };
}

/** A link with which whoever has it makes an account of that standing. */
export function createInvitation(
  deps: LinkDeps,
  wish: LinkWish & { standing: Standing; note: string | null },
): NewLink {
  const { note, standing } = wish;
  return createLink(deps, { ...wish, kind: 'invitation', standing, note, userId: null });
}

/** A link with which whoever has it chooses a new password for an account; earlier ones for it end. */
export function createRecoveryLink(
  deps: LinkDeps,
  wish: LinkWish & { user: Standing & { id: string } },
): NewLink {
  const { user } = wish;
  dropLinksOf(deps.db, user.id);
  return createLink(deps, { ...wish, kind: 'recovery', standing: user, note: null, userId: user.id });
}

function createLink(
  { clock, db, url }: LinkDeps,
  wish: LinkWish & Pick<UserLinkRow, 'kind' | 'note' | 'userId'> & { standing: Standing },
): NewLink {
  const { by, kind, lifetimeMs, note, standing, userId } = wish;
  const token = randomBytes(32).toString('base64url');
  const now = clock.now();
  dropExpiredLinks(db, new Date(now));
  const row: UserLinkRow = {
    ...{ id: randomUUID(), kind, tokenHash: hash(token), note, userId },
    ...{ createdBy: by.name, createdById: by.id },
    role: standing.role,
    extraRights: [...standing.extraRights],
    labels: standing.labels && [...standing.labels],
    createdAt: new Date(now),
    expiresAt: new Date(now + lifetimeMs),
  };
  insertLink(db, row);
  // In the fragment, which browsers do not send and servers do not log.
  return { row, url: `${url}/join#${token}` };
}

/** The link that a token belongs to. @throws FailureError `forbidden` */
export function lookAtLink({ clock, db }: Pick<LinkDeps, 'clock' | 'db'>, token: string): UserLinkRow {
  const link = findLink(db, hash(token));
  if (!link || link.expiresAt.getTime() <= clock.now() || !mayStillBeGiven(db, link)) throw badLink();
  return link;
}

/** A link is worth what its maker may give now, to an account as it stands now; not what both were once. */
function mayStillBeGiven(db: Db, link: UserLinkRow): boolean {
  const maker = link.createdById === HOST_USER ? OWNER : findUser(db, link.createdById);
  const standing = link.userId === null ? link : findUser(db, link.userId);
  return maker !== undefined && standing !== undefined && mayManage(rightsOf(maker), standing);
}

export interface Joining {
  name: string;
  email: string;
  password: string;
}

interface AcceptDeps extends Pick<LinkDeps, 'db' | 'clock'> {
  hashPassword(password: string): Promise<string>;
}

/**
 * Makes the account that an invitation is for. Link and account change in one transaction: of two that race one wins.
 * @throws FailureError `forbidden` | `conflict`
 */
export async function acceptInvitation(
  deps: AcceptDeps,
  token: string,
  { email, name, password }: Joining,
): Promise<{ id: string }> {
  const { clock, db } = deps;
  const link = lookAtLink(deps, token);
  if (link.kind !== 'invitation') throw badLink();
  if (findUserByEmail(db, email)) throw taken(email);
  const passwordHash = await deps.hashPassword(password);
  const id = randomUUID();
  db.transaction(
    () => {
      if (!mayStillBeGiven(db, link) || !takeLink(db, link.id)) throw badLink();
      if (findUserByEmail(db, email)) throw taken(email);
      const { extraRights, labels, role } = link;
      const now = new Date(clock.now());
      insertUser(db, { id, name, email, passwordHash, role, extraRights, labels, now });
    },
    { behavior: 'immediate' },
  );
  return { id };
}

/**
 * Gives an account the password its bearer chose; whoever is signed in to it no longer is.
 * @throws FailureError `forbidden`
 */
export async function acceptRecovery(
  deps: AcceptDeps,
  token: string,
  password: string,
): Promise<{ id: string; name: string; email: string }> {
  const { clock, db } = deps;
  const link = lookAtLink(deps, token);
  const user = link.userId === null ? undefined : findUser(db, link.userId);
  if (!user) throw badLink();
  const passwordHash = await deps.hashPassword(password);
  db.transaction(
    () => {
      if (!mayStillBeGiven(db, link) || !takeLink(db, link.id)) throw badLink();
      resetPassword(db, { userId: user.id, passwordHash, now: new Date(clock.now()) });
    },
    { behavior: 'immediate' },
  );
  return user;
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/**
 * Makes the account that an invitation is for, to be come in to with an account at an OpenID provider alone.
 * @throws FailureError `forbidden` | `conflict`
 */
export function acceptByProvider(
  deps: Pick<LinkDeps, 'db' | 'clock'>,
  token: string,
  who: ProviderUser,
): { id: string; link: UserLinkRow } {
  const { clock, db } = deps;
  const link = lookAtLink(deps, token);
  if (link.kind !== 'invitation') throw badLink();
  const id = db.transaction(
    () => {
      if (findUserByEmail(db, who.email)) throw taken(who.email);
      if (!takeLink(db, link.id)) throw badLink();
      return insertProviderUser(db, who, { ...link, now: new Date(clock.now()) });
    },
    { behavior: 'immediate' },
  );
  return { id, link };
}

function badLink(): FailureError {
  return fail(
    'forbidden',
    'This link is not, or no longer, valid.',
    'Links work once and expire. Ask an owner or admin of this Homeport for a new one.',
  );
}

function taken(email: string): FailureError {
  return fail(
    'conflict',
    `Somebody here has the address ${email} already.`,
    'Sign in with it, or give another address. If the password is lost, ask an admin for a recovery link.',
  );
}
