import { z } from 'zod';
import { CONFIRM, file, inGroup, list, made, type Operations, ok } from './operation.ts';
import { gone } from './shapes-common.ts';
import { backupHour, overview } from './shapes-data.ts';
import { engine } from './shapes-fleet.ts';
import * as people from './shapes-people.ts';

const oneself = inGroup('Set-up and oneself');
const users = inGroup('Users');

const STANDING = {
  role: 'What the user is: owner, admin, operator or viewer.',
  extraRights: 'Rights given besides those of the role.',
  labels: 'Only agents with one of these labels; null: the whole fleet.',
};

export const PEOPLE: Operations = {
  'GET /setup': oneself(
    'See whether somebody owns this control plane',
    ok(z.object({ needed: z.boolean() }), 'Whether nobody does yet.'),
  ),
  'POST /setup': oneself(
    'Make the owner’s account',
    made(people.account, 'The owner, with a session cookie.'),
    {
      description: 'Refused for a wrong link with 403, and with 409 once there is an owner.',
      about: { token: 'From behind the # of the set-up link.' },
    },
  ),
  'POST /links/look': oneself(
    'See what an invitation or a recovery link is for',
    ok(people.link, 'What the link is for.'),
    { about: { token: 'From behind the # of the link.' } },
  ),
  'POST /links/accept': oneself(
    'Accept an invitation, or choose a new password',
    made(people.account, 'The user, with a session cookie.'),
    {
      description:
        'Refused with 403 where the link does not work any more, with 409 where somebody has the address.',
      about: {
        token: 'From behind the # of the link.',
        name: 'Required for an invitation.',
        email: 'Required for an invitation.',
      },
    },
  ),
  'GET /sign-in': oneself(
    'See whether people may sign in with a provider',
    ok(people.signIn, 'The provider, and why this browser came back from it in vain just now; told once.'),
  ),
  'GET /me': oneself('See who is asking, and what they may do', ok(people.me, 'The caller.')),
  'GET /me/sessions': oneself('List where one is signed in', list(people.session, 'Sessions.')),
  'DELETE /me/sessions/:id': oneself('Sign out there', ok(gone, 'The session that ended.')),
  'DELETE /me/sessions': oneself(
    'Sign out everywhere else',
    ok(z.object({ ended: z.number().int() }), 'How many sessions ended.'),
  ),
  'GET /me/passkeys': oneself('List one’s passkeys', list(people.passkey, 'Passkeys.')),
  'DELETE /me/passkeys/:id': oneself(
    'Remove a passkey',
    ok(gone, 'The passkey that opens nothing any more.'),
  ),
  'GET /me/identities': oneself(
    'List one’s accounts at sign-in providers',
    list(people.identity, 'Connected accounts.'),
  ),
  'DELETE /me/identities/:id': oneself(
    'Disconnect an account',
    ok(gone, 'The account that opens nothing any more.'),
    {
      description: '409 for the only way in.',
    },
  ),
  'GET /engines': oneself('List the engines and what their forms ask for', list(engine, 'Engines.')),
  'GET /overview': oneself('See whether everything is protected', ok(overview, 'How the fleet stands.')),
  'GET /overview/history': oneself(
    'See how the backups of the last 31 days ended',
    list(backupHour, 'The hours in which backups ended, oldest first.'),
  ),
  'GET /events': oneself(
    'Listen to what changes',
    file(['text/event-stream'], 'Server-sent events without end: change, progress, log.'),
    {
      description:
        'Stays open. Whoever falls 4 MiB behind, or whose key or session ends, is disconnected: connect again and fetch everything.',
    },
  ),
  'GET /metrics': oneself(
    'Read what is measured, for Prometheus',
    file(['text/plain'], 'Prometheus’ text format, version 0.0.4.'),
    { description: 'Also at /metrics. Asks for the right metrics alone; see docs/monitoring.md.' },
  ),
  'GET /openapi.json': oneself(
    'Fetch this document',
    ok(z.looseObject({ openapi: z.string() }), 'The document, OpenAPI 3.1.'),
  ),

  'GET /users': users('List users', list(people.user, 'Users.')),
  'PATCH /users/:id': users('Change what a user may do', ok(people.user, 'The user as changed.'), {
    description: 'Holds at once, for open sessions and keys too. 409 for oneself and for the only owner.',
    about: STANDING,
  }),
  'DELETE /users/:id': users('Remove a user', ok(gone, 'The user who is gone.'), {
    description: 'Sessions and keys of the user end.',
    about: { confirm: CONFIRM },
  }),
  'POST /users/:id/recovery-link': users(
    'Make a link that lets a user choose a new password',
    made(people.recoveryLink, 'The link, which is shown once.'),
  ),
  'GET /invitations': users('List open invitations', list(people.invitation, 'Invitations.')),
  'POST /invitations': users(
    'Invite somebody',
    made(people.newInvitation, 'The invitation, with its link, which is shown once.'),
    { about: { standing: 'What the user will be allowed.', note: 'For whom it is, in your own words.' } },
  ),
  'DELETE /invitations/:id': users('Withdraw an invitation', ok(gone, 'The invitation whose link ended.')),
};
