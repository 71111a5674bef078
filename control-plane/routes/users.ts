import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { fail } from '../../protocol/failure.ts';
import { labelsSchema } from '../auth/labels.ts';
import { createInvitation, createRecoveryLink } from '../auth/links.ts';
import type { PrincipalEnv } from '../auth/principal.ts';
import { EXTRA_RIGHTS, mayManage, ROLES, type Standing } from '../auth/rights.ts';
import { turnAway } from '../db/turned-away.ts';
import { findInvitation, openInvitations, takeLink } from '../db/user-links.ts';
import { changeStanding, countOwners, findUser, listUsers, removeUser, type UserRow } from '../db/users.ts';
import type { AppDeps } from '../deps.ts';
import { auditAct, found, requireConfirmation } from '../http/acting.ts';
import { validate } from '../http/validate.ts';
import { invitationView, userView } from '../views/users.ts';

const standingSchema = z
  .object({
    role: z.enum(ROLES),
    extraRights: z
      .array(z.enum(EXTRA_RIGHTS))
      .max(EXTRA_RIGHTS.length)
      .default([])
      .transform((rights) => [...new Set(rights)].toSorted()),
    /** Null: the whole fleet. */
    labels: labelsSchema.nullable().default(null),
  })
  .refine(({ labels }) => labels === null || labels.length > 0, {
    path: ['labels'],
    message: 'name at least one, or the whole fleet',
  })
  .refine(({ labels, role }) => labels === null || role !== 'owner', {
    path: ['labels'],
    message: 'owners see the whole fleet',
  });
const invitationBody = z.object({
  standing: standingSchema,
  note: z.string().trim().min(1).max(100).optional(),
  expiresInHours: z.number().int().min(1).max(720).default(72),
});
const RECOVERY_MS = 24 * 3600_000;

/** Who may use this Homeport, and what they may do. */
export function userRoutes(deps: AppDeps) {
  const { clock, db, events } = deps;
  const changed = () => events.changed('settings');
  return new Hono<PrincipalEnv>()
    .get('/users', (c) => c.json(listUsers(db).map((user) => userView(user, c.get('principal')))))
    .patch('/users/:id', validate('json', standingSchema), (c) => {
      const user = manageable(c, findUser(db, c.req.param('id')));
      const standing = c.req.valid('json');
      requireMayGive(c, standing);
      requireOwnerLeft(deps, user, standing);
      changeStanding(db, user.id, standing);
      auditAct(deps, c, {
        action: 'user.change',
        target: target(user),
        details: { ...described(standing), formerly: Object.values(described(user)).join('; ') },
      });
      changed();
      return c.json(userView(found(findUser(db, user.id), 'user'), c.get('principal')));
    })
    .delete('/users/:id', validate('json', z.object({ confirm: z.string() })), (c) => {
      const user = manageable(c, findUser(db, c.req.param('id')));
      requireConfirmation(c.req.valid('json').confirm, user.name);
      requireOwnerLeft(deps, user);
      db.transaction(() => {
        turnAway(db, user);
        removeUser(db, user.id);
      });
      auditAct(deps, c, { action: 'user.remove', target: target(user), details: { email: user.email } });
      changed();
      return c.json({ id: user.id });
    })
    .post('/users/:id/recovery-link', (c) => {
      const user = manageable(c, findUser(db, c.req.param('id')));
      const { user: by } = c.get('principal');
      const { row, url } = createRecoveryLink(deps, { user, by, lifetimeMs: RECOVERY_MS });
      auditAct(deps, c, { action: 'user.recovery-link', target: target(user) });
      return c.json({ url, expiresAt: row.expiresAt.toISOString() }, 201);
    })
    .get('/invitations', (c) => c.json(openInvitations(db, new Date(clock.now())).map(invitationView)))
    .post('/invitations', validate('json', invitationBody), (c) => {
      const { expiresInHours, note, standing } = c.req.valid('json');
      requireMayGive(c, standing);
      const { user: by } = c.get('principal');
      const wish = { standing, note: note ?? null, by, lifetimeMs: expiresInHours * 3600_000 };
      const { row, url } = createInvitation(deps, wish);
      const about = { kind: 'invitation', id: row.id, name: note };
      auditAct(deps, c, { action: 'user.invite', target: about, details: described(standing) });
      changed();
      return c.json({ ...invitationView(row), url }, 201);
    })
    .delete('/invitations/:id', (c) => {
      const invitation = found(findInvitation(db, c.req.param('id')), 'invitation');
      requireMayGive(c, invitation);
      const { id, note } = invitation;
      takeLink(db, id);
      const about = { kind: 'invitation', id, name: note ?? undefined };
      auditAct(deps, c, { action: 'user.withdraw-invitation', target: about });
      changed();
      return c.json({ id });
    });
}

function target({ id, name }: UserRow) {
  return { kind: 'user', id, name };
}

function described({ extraRights, labels, role }: Standing) {
  return { role, rights: extraRights.join(', ') || 'none', agents: labels?.join(', ') ?? 'all' };
}

/** A user whom the caller may change. @throws FailureError `not_found` | `forbidden` | `conflict` */
function manageable(c: Context<PrincipalEnv>, row: UserRow | undefined): UserRow {
  const user = found(row, 'user');
  const { rights, user: self } = c.get('principal');
  if (user.id === self.id) {
    throw fail(
      'conflict',
      'Nobody changes or removes their own account here.',
      'Ask another owner or admin. Your password and second factor are under “Your account”.',
    );
  }
  if (!mayManage(rights, user)) throw tooHigh(`“${user.name}” is one that`);
  return user;
}

/** @throws FailureError `forbidden` */
function requireMayGive(c: Context<PrincipalEnv>, standing: Standing): void {
  if (!mayManage(c.get('principal').rights, standing)) throw tooHigh('This is a standing that');
}

function tooHigh(what: string) {
  return fail(
    'forbidden',
    `${what} you may not give or take.`,
    'Owners manage everybody. Admins manage operators and viewers, and give no right they do not have.',
  );
}

/** @throws FailureError `conflict` where nobody would be left who may do everything */
function requireOwnerLeft({ db }: AppDeps, user: UserRow, after?: Standing): void {
  if (user.role !== 'owner' || after?.role === 'owner' || countOwners(db) > 1) return;
  throw fail('conflict', `“${user.name}” is the only owner.`, 'Make somebody else an owner first.');
}
