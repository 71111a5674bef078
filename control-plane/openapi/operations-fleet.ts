import { begun, CONFIRM, inGroup, list, made, type Operations, ok, PAGE, page, SEALED } from './operation.ts';
import { gone } from './shapes-common.ts';
import * as fleet from './shapes-fleet.ts';

const agents = inGroup('Agents');
const servers = inGroup('Servers');

const SERVER = {
  sealed: SEALED,
  name: 'What it is to be called.',
  engine: 'Id of an engine, from GET /engines.',
};

export const FLEET: Operations = {
  'GET /enrolment-tokens': agents(
    'List open enrolment tokens',
    list(fleet.enrolmentToken, 'Tokens, without their secret.'),
  ),
  'POST /enrolment-tokens': agents(
    'Make an enrolment token',
    made(fleet.newEnrolmentToken, 'The token, which is shown once and works once.'),
    {
      about: {
        name: 'What the agent is to be called.',
        successorOf: 'Id of the agent whose place whoever uses the token takes.',
        confirm: 'Name of that agent, required while it is online.',
      },
    },
  ),
  'DELETE /enrolment-tokens/:id': agents(
    'Withdraw an enrolment token',
    ok(gone, 'The token that is withdrawn.'),
  ),
  'GET /agents': agents('List agents', page(fleet.agent, 'Agents.'), {
    about: { q: 'Looked for in names, hosts and labels.', ...PAGE },
  }),
  'GET /agents/:id': agents('See an agent', ok(fleet.agent, 'The agent.')),
  'PATCH /agents/:id': agents('Rename or label an agent', ok(fleet.agent, 'The agent as changed.'), {
    description:
      'Labels say who sees the agent: changing them asks for the right administer, and a fresh sign-in.',
  }),
  'POST /agents/:id/discover': agents(
    'Look for database servers on the agent’s host',
    ok(fleet.discovery, 'What runs there.'),
    { description: 'Asks the agent now; nothing is logged in to.' },
  ),
  'POST /agents/:id/doctor': agents(
    'Have an agent look at all it needs',
    ok(fleet.doctorReport, 'What was looked at, and what to do about it.'),
    { description: 'Asks the agent now, for up to a minute.' },
  ),
  'GET /updates': agents(
    'See how each agent stands to the build that is served',
    ok(fleet.updates, 'How they stand.'),
  ),
  'POST /agents/:id/update': agents('Update an agent', begun(fleet.update, 'The update that begins.')),
  'POST /rollouts': agents('Update all agents, one first', made(fleet.rollout, 'The rollout that begins.'), {
    about: { canary: 'Id of the agent that goes first.', batchSize: 'How many follow at a time.' },
  }),
  'POST /rollouts/:id/stop': agents(
    'Begin no further update',
    ok(fleet.rollout, 'The rollout that stopped.'),
  ),
  'POST /agents/:id/revoke': agents('Revoke an agent', ok(fleet.agent, 'The agent that is revoked.'), {
    description: 'Ends its connection and its jobs for good.',
    about: { confirm: CONFIRM },
  }),

  'GET /servers': servers('List servers', page(fleet.server, 'Servers.'), {
    about: {
      q: 'Looked for in names, agents and addresses.',
      usable: 'Only those that can be backed up and restored to, as far as is known.',
      ...PAGE,
    },
  }),
  'GET /servers/:id': servers('See a server', ok(fleet.server, 'The server.')),
  'POST /servers/probe': servers('Log in to a server once', ok(fleet.probe, 'What the server said.'), {
    description: 'Asks the agent now. Credentials in the request ask for the right configure.',
    about: { sealed: `${SEALED} Absent: those that the agent has for the server.` },
  }),
  'POST /servers': servers('Add a server', made(fleet.server, 'The server.'), {
    about: { ...SERVER, id: 'A UUID of your making, the one inside the credentials.' },
  }),
  'PUT /servers/:id': servers('Change a server’s connection', ok(fleet.server, 'The server as changed.'), {
    description: 'The password is typed again: it is bound to the rest.',
    about: SERVER,
  }),
  'PUT /servers/:id/auto-protect': servers(
    'Protect databases as they appear, or no longer',
    ok(fleet.server, 'The server as changed.'),
  ),
  'DELETE /servers/:id': servers(
    'Remove a server',
    ok(gone, 'The server that is gone; its snapshots stay.'),
    {
      description: '409 while jobs run.',
      about: { confirm: CONFIRM },
    },
  ),
  'GET /servers/:id/available-databases': servers(
    'List the databases of a server',
    ok(fleet.availableDatabases, 'What the server has.'),
    { description: 'Asks the server now.' },
  ),
};
