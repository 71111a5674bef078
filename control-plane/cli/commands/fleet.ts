import { Argument, type Command } from 'commander';
import { z } from 'zod';
import { type Failure, FailureError } from '../../../protocol/failure.ts';
import { agentCalled, serverCalled, vaultCalled } from '../remote/resolve.ts';
import {
  type Agent,
  agentShape,
  discoveredShape,
  type Server,
  serverShape,
  spaceShape,
  vaultShape,
} from '../remote/shapes.ts';
import { JSON_OPTION, type Json, remark, say, sayFacts, sayJson, sayTable } from '../say.ts';
import { bytes, when } from '../text.ts';
import { lockText } from './bucket-lock.ts';
import { addDoctorCommand } from './doctor.ts';
import { connect } from './session.ts';
import { addUpdateCommand } from './update.ts';

/** `agents` with `agents doctor` and `agents update`, `discover`, `servers`, `auto-protect`, `vaults`, `space`. */
export function addFleetCommands(root: Command): void {
  const fleet = root
    .command('agents')
    .description('list the agents, or show one')
    .argument('[agent]', 'id or name')
    .option(...JSON_OPTION)
    .action(agents);
  addDoctorCommand(fleet);
  addUpdateCommand(fleet);
  root
    .command('discover')
    .description('let an agent look for database servers on its host now, without logging in to any')
    .argument('<agent>', 'id or name')
    .option(...JSON_OPTION)
    .action(discover);
  root
    .command('servers')
    .description('list the database servers that agents reach')
    .option(...JSON_OPTION)
    .action(servers);
  root
    .command('auto-protect')
    .description('protect every database of a server, those to come as well; or no longer by itself')
    .argument('<server>', 'id, name or agent/server')
    .addArgument(new Argument('<switch>').choices(['on', 'off']))
    .option(...JSON_OPTION)
    .action(autoProtect);
  root
    .command('vaults')
    .description('list the vaults')
    .option(...JSON_OPTION)
    .action(vaults);
  root
    .command('space')
    .description('tell how much room a vault’s store has, how the vault grows, and when it will be full')
    .argument('<vault>', 'id or name')
    .option(...JSON_OPTION)
    .action(space);
}

async function space(wanted: string, { json }: Json): Promise<void> {
  const client = await connect();
  const { id } = await vaultCalled(client, wanted);
  const found = await client.get(`/vaults/${id}/space`, spaceShape);
  if (json) return sayJson(found);
  const { bytesPerDay, free, fullAt, perMonth, stored, total } = found;
  const added = perMonth.map((one): [string, string] => [`Added in ${one.month}`, bytes(one.bytes)]);
  sayFacts([
    ['Free', free === null ? 'the store cannot tell' : bytes(free)],
    ['Of', total === null ? '–' : bytes(total)],
    ['Stored', bytes(stored)],
    ...added,
    ['Grows by', bytesPerDay === null ? 'known after a week' : `${bytes(bytesPerDay)} a day`],
    ['Full', when(fullAt)],
  ]);
}

async function agents(wanted: string | undefined, { json }: Json): Promise<void> {
  const client = await connect();
  if (wanted !== undefined) {
    const agent = await agentCalled(client, wanted);
    return json ? sayJson(agent) : showAgent(agent);
  }
  const all = await client.list('/agents', agentShape);
  if (json) return sayJson(all);
  const rows = all.map((one) => [
    one.name,
    one.state,
    when(one.lastSeenAt),
    one.version ?? '–',
    String(one.serverCount),
    String(one.databaseCount),
    one.id,
  ]);
  const heading = ['NAME', 'STATE', 'LAST SEEN', 'VERSION', 'SERVERS', 'DATABASES', 'ID'];
  sayTable(heading, rows, 'There is no agent yet: “Add agent” in the UI shows how to make one.');
}

function showAgent(agent: Agent): void {
  sayFacts([
    ['Agent', agent.name],
    ['Id', agent.id],
    ['State', agent.state],
    ['Connected since', when(agent.connectedSince)],
    ['Last seen', when(agent.lastSeenAt)],
    ['Version', agent.version ?? '–'],
    ['Servers', String(agent.serverCount)],
    ['Protected databases', String(agent.databaseCount)],
    ...(agent.predecessor ? [['In the place of', agent.predecessor.name] as const] : []),
    ...(agent.successor ? [['Replaced by', `${agent.successor.name} (${agent.successor.id})`] as const] : []),
    ['Fingerprint', agent.fingerprint],
    ['Sealing key', agent.sealingKey],
  ]);
}

async function discover(wanted: string, { json }: Json): Promise<void> {
  const client = await connect();
  const { id, name } = await agentCalled(client, wanted);
  const found = await client.post(`/agents/${id}/discover`, {}, discoveredShape);
  if (json) return sayJson(found);
  const rows = found.servers.map((one) => [
    one.engine,
    one.version ?? '–',
    `${one.host}:${one.port}`,
    one.container === undefined ? one.source : `${one.source} ${one.container}`,
    one.serverId ?? '–',
  ]);
  const heading = ['ENGINE', 'VERSION', 'ADDRESS', 'FOUND BY', 'KNOWN AS'];
  sayTable(heading, rows, `${name} found no database server on its host.`);
  remark(...found.notes);
}

async function servers({ json }: Json): Promise<void> {
  const all = await (await connect()).list('/servers', serverShape);
  if (json) return sayJson(all);
  const rows = all.map((one) => [
    one.name,
    one.engine,
    one.version ?? '–',
    `${one.connection.host}:${one.connection.port}`,
    stateOf(one),
    one.agentName,
    String(one.databaseCount),
    one.id,
  ]);
  const heading = ['NAME', 'ENGINE', 'VERSION', 'ADDRESS', 'STATE', 'AGENT', 'DATABASES', 'ID'];
  sayTable(heading, rows, 'There is no server yet: add one in the UI, or on the agent’s host.');
}

function stateOf({ agentState, awaitsCredentialsSince, removedFromAgent }: Server): string {
  if (removedFromAgent) return 'removed';
  return awaitsCredentialsSince ? 'waits for credentials' : agentState;
}

async function autoProtect(wanted: string, to: 'on' | 'off', { json }: Json): Promise<void> {
  const client = await connect();
  const { id } = await serverCalled(client, wanted);
  const server = await client.put(`/servers/${id}/auto-protect`, { enabled: to === 'on' }, serverShape);
  if (json) return sayJson(server);
  const { autoProtect, databaseCount, name } = server;
  say(
    autoProtect
      ? `Every database of ${name} is protected as it appears; now there are ${databaseCount}.`
      : `New databases of ${name} are not protected by themselves. Those that are protected stay so.`,
  );
  if (autoProtect?.failure) throw new FailureError(autoProtect.failure as Failure);
}

async function vaults({ json }: Json): Promise<void> {
  const all = await (await connect()).get('/vaults', z.array(vaultShape));
  if (json) return sayJson(all);
  const rows = all.map((one) => [
    one.name,
    one.store,
    one.isDefault === false ? '' : 'yes',
    String(one.snapshotCount),
    bytes(one.storedBytes),
    when(one.kitDownloadedAt),
    lockText(one.bucket),
    one.id,
  ]);
  sayTable(
    ['NAME', 'STORE', 'NEW BACKUPS', 'SNAPSHOTS', 'STORED', 'RECOVERY KIT FETCHED', 'LOCKED', 'ID'],
    rows,
    'There is no vault.',
  );
}
