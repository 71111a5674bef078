import { CONFIRM, inGroup, list, made, type Operations, ok } from './operation.ts';
import { gone } from './shapes-common.ts';
import { chosen, policy, preview, retentionPreview } from './shapes-policies.ts';

const policies = inGroup('Policies');

const POLICY = {
  everywhere: 'For all databases that nothing nearer decides about; taken from the policy that was.',
  retention: 'Which snapshots stay; null for all. A snapshot that any rule keeps stays.',
  drill: 'How often the newest snapshot is tried out; null: by hand only.',
  labels: 'For databases of agents with one of these; a label is of one policy.',
};
const CHOICE = { policy: 'inherit, none for by hand only, or the id of a policy.' };

export const POLICIES: Operations = {
  'GET /policies': policies('List policies', list(policy, 'Policies, by name.')),
  'POST /policies': policies('Add a policy', made(policy, 'The policy.'), { about: POLICY }),
  'PUT /policies/:id': policies('Change a policy', ok(policy, 'The policy as changed.'), { about: POLICY }),
  'DELETE /policies/:id': policies('Remove a policy', ok(gone, 'The policy that is gone.'), {
    description: 'What was chosen with it is decided further away again.',
    about: { confirm: CONFIRM },
  }),
  'POST /policies/preview': policies(
    'See when a schedule comes',
    ok(preview, 'The same as a cron expression, and the next runs, without the spread.'),
  ),
  'POST /policies/preview-retention': policies(
    'See what a policy would delete',
    ok(retentionPreview, 'What it would do to the snapshots there are; the first hundred it would delete.'),
    {
      description: 'As if it were saved like this. Nothing is changed.',
      about: { id: 'Of the policy that would be changed.' },
    },
  ),
  'PUT /databases/:id/policy': policies('Choose a database’s policy', ok(chosen, 'What is chosen.'), {
    about: CHOICE,
  }),
  'PUT /servers/:id/policy': policies('Choose the policy of a server', ok(chosen, 'What is chosen.'), {
    description: 'For its databases that have none chosen by themselves.',
    about: CHOICE,
  }),
  'PUT /agents/:id/policy': policies('Choose the policy of an agent', ok(chosen, 'What is chosen.'), {
    description: 'For databases of its servers, unless one is chosen nearer.',
    about: CHOICE,
  }),
};
