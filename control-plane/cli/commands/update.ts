import { type Command, InvalidArgumentError } from 'commander';
import { type Failure, FailureError, fail } from '../../../protocol/failure.ts';
import { EXIT, Quit } from '../exit.ts';
import type { Client } from '../remote/client.ts';
import { agentCalled } from '../remote/resolve.ts';
import {
  rolloutShape,
  type Update,
  type Updates,
  updateShape,
  updatesShape,
} from '../remote/update-shapes.ts';
import { JSON_OPTION, type Json, remark, say, sayJson, sayTable } from '../say.ts';
import { pollUntil } from '../wait/poll.ts';
import { connect } from './session.ts';

/** `agents update`. @param agents the command it belongs to */
export function addUpdateCommand(agents: Command): void {
  agents
    .command('update')
    .description(
      'update an agent to the version that is served, and wait for the end; without one, list them',
    )
    .argument('[agent]', 'id or name')
    .option('--all', 'all that are older: one first, then the rest in batches, as long as nothing fails')
    .option('--canary <agent>', 'with --all: the agent that goes first')
    .option('--batch <agents>', 'with --all: how many are updated at a time after it', size, 10)
    .option('--no-wait', 'do not wait')
    .option(...JSON_OPTION)
    .action((wanted: string | undefined, _: Json, command: Command) => {
      const options = command.optsWithGlobals<Wish>();
      if (options.all && wanted !== undefined) throw bothWays();
      if (options.all) return updateAll(options);
      return wanted === undefined ? list(options) : update(wanted, options);
    });
}

interface Wish extends Json {
  wait: boolean;
  all?: true;
  canary?: string;
  batch: number;
}

async function updateAll({ batch: batchSize, canary: first, json, wait }: Wish): Promise<void> {
  const client = await connect();
  const canary = first === undefined ? undefined : (await agentCalled(client, first)).id;
  const begun = await client.post('/rollouts', { canary, batchSize }, rolloutShape);
  const look = async () => {
    const { rollout } = await client.get('/updates', updatesShape);
    if (rollout?.id !== begun.id) throw replaced();
    return rollout;
  };
  const found = wait ? await pollUntil(look, ({ state }) => state !== 'running') : begun;
  if (json) sayJson(found);
  else {
    const rows = found.batches.flatMap((batch, at) =>
      batch.map(({ name, state }) => [at === 0 ? 'canary' : String(at + 1), name, state]),
    );
    sayTable(['BATCH', 'AGENT', 'UPDATE'], rows, '');
    say(`Version ${found.version}: ${found.state}`);
  }
  if (found.failure) throw new FailureError(found.failure as Failure);
  if (found.state === 'stopped') throw new Quit(EXIT.failed);
}

async function list({ json }: Json): Promise<void> {
  const all = await (await connect()).get('/updates', updatesShape);
  if (json) return sayJson(all);
  const rows = all.agents.map((one) => [
    one.name,
    one.state,
    one.version ?? '–',
    one.available ?? '–',
    one.update ? describe(one.update) : '–',
  ]);
  sayTable(['NAME', 'STATE', 'VERSION', 'AVAILABLE', 'LAST UPDATE'], rows, 'There is no agent yet.');
  if (all.failure) remark(all.failure.message, all.failure.hint);
}

async function update(wanted: string, { json, wait }: Json & { wait: boolean }): Promise<void> {
  const client = await connect();
  const agent = await agentCalled(client, wanted);
  const begun = await client.post(`/agents/${agent.id}/update`, {}, updateShape);
  const found = wait ? await ended(client, begun) : begun;
  if (json) sayJson(found);
  else say(`${agent.name}: ${describe(found)}`);
  if (found.failure) throw new FailureError(found.failure as Failure);
}

/** Goes on while the agent is away: it is started anew for this. */
function ended(client: Client, asked: Update): Promise<Update> {
  const look = async () => {
    const { agents }: Updates = await client.get('/updates', updatesShape);
    const newest = agents.find(({ agentId }) => agentId === asked.agentId)?.update;
    if (newest?.id !== asked.id) throw replaced();
    return newest;
  };
  return pollUntil(look, ({ finishedAt }) => finishedAt !== null);
}

function describe({ fromVersion, state, toVersion }: Update): string {
  return `${fromVersion} → ${toVersion}: ${STATES[state]}`;
}

const STATES: Record<Update['state'], string> = {
  fetching: 'the agent fetches it',
  applying: 'the agent finishes what runs, and is replaced',
  succeeded: 'done',
  failed: 'not updated',
};

function size(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1000) return value;
  throw new InvalidArgumentError('Give a number from 1 to 1000.');
}

function bothWays() {
  return fail('invalid_input', 'One agent and --all are two things.', 'Leave one of them out.');
}

function replaced() {
  return fail('conflict', 'Another update of the agent was begun meanwhile.', 'Look: homeport agents update');
}
