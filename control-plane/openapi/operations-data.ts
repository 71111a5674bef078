import { z } from 'zod';
import { ENGINES } from '../../protocol/engines/registry.ts';
import {
  begun,
  CONFIRM,
  file,
  inGroup,
  list,
  made,
  type Operations,
  ok,
  PAGE,
  page,
  SEALED,
} from './operation.ts';
import { gone } from './shapes-common.ts';
import * as data from './shapes-data.ts';
import { apiKey, auditEntry, newApiKey, signInProvider } from './shapes-people.ts';
import { selfBackup, space, vault } from './shapes-vaults.ts';

const databases = inGroup('Databases');
const snapshots = inGroup('Snapshots');
const jobs = inGroup('Jobs');
const vaults = inGroup('Vaults, keys, audit');

const DUMPS = [...new Set(Object.values(ENGINES).map(({ descriptor }) => descriptor.download.mediaType))];
const TARGET = { serverId: 'Where it is restored to.', sealed: `${SEALED} Good for this restore alone.` };
const STORE = {
  store: 'Where the files lie, with the keys to it; they are tested, and sealed where they are kept.',
};
const AUDIT = {
  kind: 'The part of the action before the dot, e.g. job.',
  q: 'Looked for in names and actions.',
  since: 'No older than this.',
  until: 'No newer than this.',
};

export const DATA: Operations = {
  'GET /databases': databases('List databases', page(data.database, 'Those protected or with snapshots.'), {
    about: { q: 'Looked for in the names of databases, servers and agents.', ...PAGE },
  }),
  'GET /databases/counts': databases(
    'Count databases by how they stand',
    ok(data.databaseCounts, 'How many of those that a search finds have which status.'),
    { about: { q: 'Looked for in the names of databases, servers and agents.' } },
  ),
  'GET /databases/:id': databases('See a database', ok(data.database, 'The database.')),
  'GET /databases/:id/history': databases(
    'See how its backups of the last 31 days ended',
    list(data.backupHour, 'The hours in which backups ended, oldest first.'),
  ),
  'POST /databases': databases('Protect databases', made(data.database.array(), 'The databases.')),
  'DELETE /databases/:id': databases(
    'Stop protecting a database',
    ok(gone, 'The database; its snapshots stay.'),
    {
      description: '409 while a backup is queued or running.',
      about: { confirm: CONFIRM },
    },
  ),
  'PATCH /databases/:id': databases(
    'Choose whose rows backups hold',
    ok(data.database, 'The database as changed.'),
    { about: { selection: 'Patterns of tables; null: all.' } },
  ),
  'POST /databases/:id/preflight': databases(
    'See what a backup would find',
    ok(data.backupPreflight, 'What it would find and miss.'),
    { description: 'Asks the agent now.', about: { selection: 'One to try instead of the saved one.' } },
  ),
  'POST /databases/:id/backup': databases('Back up a database', begun(data.job, 'The job that waits.'), {
    description: '409 while one, or a restore into the database, is queued or running.',
  }),
  'POST /databases/:id/drill': databases('Drill a database', begun(data.job, 'The job that waits.'), {
    description:
      'Tries its newest snapshot out on a disposable server of its agent’s host. 409 without a snapshot, or while one is queued or running.',
  }),
  'GET /databases/:id/assertions': databases(
    'See what drills ask of a database',
    ok(data.assertions, 'In the order they are asked.'),
  ),
  'PUT /databases/:id/assertions': databases(
    'Say what drills ask of a database',
    ok(data.assertions, 'As saved.'),
    {
      about: {
        assertions: 'In place of those that were: names, and queries that have to give one true row.',
      },
    },
  ),

  'GET /snapshots': snapshots('List snapshots', page(data.snapshot, 'Snapshots, newest first.'), {
    about: PAGE,
  }),
  'GET /snapshots/:id': snapshots(
    'See a snapshot and what it holds',
    ok(data.snapshotInFull, 'The snapshot.'),
  ),
  'PATCH /snapshots/:id': snapshots(
    'Pin a snapshot, or note something about it',
    ok(data.snapshot, 'The snapshot as changed.'),
    {
      about: {
        pinned: 'Whether it stays whatever its policy says.',
        note: 'At most 500 characters; null for none.',
      },
    },
  ),
  'DELETE /snapshots/:id': snapshots('Delete a snapshot', ok(gone, 'The snapshot that is gone.'), {
    description:
      '409 for one that is pinned or in use, and for the newest of a database that is backed up. Its space is freed with the next collection.',
    about: { confirm: 'Name of its database, typed out exactly.' },
  }),
  'GET /snapshots/:id/download': snapshots(
    'Download a snapshot as the engine’s native dump',
    file(DUMPS, 'The dump, as a stream.'),
    { description: 'With content-length: a stream that breaks off is incomplete.' },
  ),
  'POST /snapshots/:id/restore/preflight': snapshots(
    'See what a restore would do',
    ok(data.restorePreflight, 'What it would do, find and miss.'),
    { description: 'Asks the agent of the target now.', about: TARGET },
  ),
  'POST /snapshots/:id/restore': snapshots('Restore a snapshot', begun(data.job, 'The job that waits.'), {
    description:
      'Over data it asks a session for a fresh sign-in. 422 restore_not_possible where the preflight says no, 409 while another restore into the target is queued or running.',
    about: {
      ...TARGET,
      confirm: 'Name of the target, typed out exactly.',
      safetySnapshot: 'In place only: back the target up first.',
    },
  }),

  'GET /jobs': jobs('List jobs', page(data.job, 'Jobs, newest first.'), {
    about: {
      ...PAGE,
      state: 'One state, or several with commas between them.',
      before: 'Only those made before this time, to page on.',
    },
  }),
  'GET /jobs/:id': jobs('See a job with its attempts and its log', ok(data.jobInFull, 'The job.')),
  'POST /jobs/:id/cancel': jobs(
    'Cancel a job',
    ok(data.job, 'The job; a running one ends when its agent has stopped it.'),
  ),
  'POST /jobs/:id/retry': jobs('Start a job like this one', begun(data.job, 'The new job.'), {
    description:
      '409 unless it failed, was cancelled or lost, and for restores over a database or with an account of their own. A restore asks for the right restore.',
  }),

  'GET /vaults': vaults('List vaults', list(vault, 'Vaults.')),
  'POST /vaults': vaults('Make a vault elsewhere', made(vault, 'The vault.'), {
    description: 'Tests the place first: 503 says what the test found.',
    about: STORE,
  }),
  'GET /vaults/:id/space': vaults('See free space and growth', ok(space, 'Bytes, as the store tells.')),
  'PUT /vaults/:id/store': vaults(
    'Change keys or options of a vault’s store',
    ok(vault, 'The vault as changed.'),
    {
      about: STORE,
    },
  ),
  'POST /vaults/:id/use': vaults('Send new backups there', ok(vault, 'The vault.')),
  'PUT /vaults/:id/replica': vaults('Keep a second copy', ok(vault, 'The vault, whose copy begins.'), {
    about: STORE,
  }),
  'DELETE /vaults/:id/replica': vaults('Copy no more', ok(vault, 'The vault; the files of its copy stay.'), {
    about: { confirm: CONFIRM },
  }),
  'POST /vaults/:id/move': vaults('Move a vault to its replica', begun(vault, 'The vault that is to move.'), {
    about: { confirm: CONFIRM, leaveBehind: 'At once, which gives up what is not copied.' },
  }),
  'DELETE /vaults/:id/move': vaults('Stay where it is', ok(vault, 'The vault.')),
  'PUT /vaults/:id/check': vaults(
    'Choose how often a vault is checked by itself',
    ok(vault, 'The vault as changed.'),
    { about: { everyDays: 'Days between two checks; 0 for none.' } },
  ),
  'POST /vaults/:id/collect': vaults(
    'Free what no snapshot needs',
    begun(vault, 'The vault that is being tidied.'),
    {
      description: '409 while that is under way. What interrupted backups have uploaded goes as well.',
      about: {
        giveUpForgotten: 'Also what snapshots need that the index has lost; they do not come back then.',
        confirm: 'With that: the vault’s name, typed out exactly.',
      },
    },
  ),
  'POST /vaults/:id/check': vaults(
    'Read every file and bring back what is damaged',
    begun(vault, 'The vault under check.'),
  ),
  'POST /vaults/:id/recovery-kit': vaults(
    'Get a vault’s recovery kit',
    file(['text/plain'], 'The kit: with it and the vault’s files every backup can be read.'),
  ),
  'GET /self-backup': vaults(
    'See how the control plane backs itself up',
    ok(selfBackup, 'The last and the next.'),
  ),
  'POST /self-backup': vaults('Back the control plane up', made(selfBackup, 'The same, with the new one.')),
  'GET /api-keys': vaults(
    'List API keys',
    list(apiKey, 'One’s own, and everybody’s for who may administer.'),
  ),
  'POST /api-keys': vaults('Make an API key', made(newApiKey, 'The key, which is shown once.'), {
    about: { scopes: 'All it may do of what its user may; absent: everything.' },
  }),
  'DELETE /api-keys/:id': vaults('End an API key', ok(gone, 'The key that works no more.')),
  'GET /sign-in-provider': vaults(
    'See which OpenID provider people may sign in with',
    ok(signInProvider, 'The provider, without its secret.'),
  ),
  'PUT /sign-in-provider': vaults(
    'Let people sign in with an OpenID provider',
    ok(signInProvider, 'The provider, without its secret.'),
    {
      description: 'Fetches its discovery document first; 503 with what is wrong with it.',
      about: {
        name: 'As the button says it.',
        issuer: 'As its discovery document spells it.',
        clientSecret: 'May be left out for the same issuer and client.',
        admission: 'Who comes in without an invitation; null: nobody.',
      },
    },
  ),
  'DELETE /sign-in-provider': vaults(
    'Let nobody sign in with the provider any more',
    ok(z.object({ issuer: z.string() }), 'The provider that is gone.'),
    { about: { confirm: CONFIRM } },
  ),
  'GET /audit': vaults('Read the audit log', list(auditEntry, 'Entries, newest first.'), {
    about: { ...AUDIT, before: 'Id of an entry: only older ones, to page on.' },
  }),
  'GET /audit/export': vaults(
    'Export the audit log',
    file(['application/jsonl'], 'One JSON object on each line, newest first.'),
    { about: AUDIT },
  ),
};
