import type { Command } from 'commander';
import { z } from 'zod';
import { agentCalled } from '../remote/resolve.ts';
import { type Agent, agentShape, serverShape, vaultShape } from '../remote/shapes.ts';
import { JSON_OPTION, type Json, sayFacts, sayJson, sayTable } from '../say.ts';
import { bytes, when } from '../text.ts';
import { connect } from './session.ts';

/** `agents`, `servers`, `vaults`. */
export function addFleetCommands(root: Command): void {
  root
    .command('agents')
    .description('list the agents, or show one')
    .argument('[agent]', 'id or name')
    .option(...JSON_OPTION)
    .action(agents);
  root
    .command('servers')
    .description('list the database servers that agents reach')
    .option(...JSON_OPTION)
    .action(servers);
  root
    .command('vaults')
    .description('list the vaults')
    .option(...JSON_OPTION)
    .action(vaults);
}

async function agents(wanted: string | undefined, { json }: Json): Promise<void> {
  const client = await connect();
  if (wanted !== undefined) {
    const agent = await agentCalled(client, wanted);
    return json ? sayJson(agent) : showAgent(agent);
  }
  const all = await client.get('/agents', z.array(agentShape));
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
    ['Fingerprint', agent.fingerprint],
    ['Sealing key', agent.sealingKey],
  ]);
}

async function servers({ json }: Json): Promise<void> {
  const all = await (await connect()).get('/servers', z.array(serverShape));
  if (json) return sayJson(all);
  const rows = all.map((one) => [
    one.name,
    one.engine,
    one.version ?? '–',
    `${one.connection.host}:${one.connection.port}`,
    one.removedFromAgent ? 'removed' : one.agentState,
    one.agentName,
    String(one.databaseCount),
    one.id,
  ]);
  const heading = ['NAME', 'ENGINE', 'VERSION', 'ADDRESS', 'STATE', 'AGENT', 'DATABASES', 'ID'];
  sayTable(heading, rows, 'There is no server yet: add one in the UI, or on the agent’s host.');
}

async function vaults({ json }: Json): Promise<void> {
  const all = await (await connect()).get('/vaults', z.array(vaultShape));
  if (json) return sayJson(all);
  const rows = all.map((one) => [
    one.name,
    one.store,
    String(one.snapshotCount),
    bytes(one.storedBytes),
    when(one.kitDownloadedAt),
    one.id,
  ]);
  sayTable(
    ['NAME', 'STORE', 'SNAPSHOTS', 'STORED', 'RECOVERY KIT FETCHED', 'ID'],
    rows,
    'There is no vault.',
  );
}
