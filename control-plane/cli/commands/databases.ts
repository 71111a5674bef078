import { type Command, Option } from 'commander';
import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';
import { databaseCalled, serverCalled } from '../remote/resolve.ts';
import { availableShape, type Database, databaseShape } from '../remote/shapes.ts';
import { JSON_OPTION, type Json, remark, say, sayFacts, sayJson, sayTable } from '../say.ts';
import { bytes, counted, when } from '../text.ts';
import { confirmName } from './confirm.ts';
import { connect } from './session.ts';

/** `databases`, `database`, `protect`, `unprotect`. */
export function addDatabaseCommands(root: Command): void {
  root
    .command('databases')
    .description('list the databases that are protected or have snapshots')
    .option('--server <server>', 'only those of a server: id, name or agent/server')
    .option('--search <text>', 'only those with this in their or their server’s name')
    .addOption(
      new Option('--available', 'with --server: ask the server now what there is to protect').conflicts(
        'search',
      ),
    )
    .option(...JSON_OPTION)
    .action(databases);
  root
    .command('database')
    .description('show one database: how safe it is, its last backup and snapshot')
    .argument('<database>', 'id, name or server/database')
    .option(...JSON_OPTION)
    .action(database);
  root
    .command('protect')
    .description('back up databases of a server from now on')
    .argument('<server>', 'id, name or agent/server')
    .argument('<name...>', 'databases as the server calls them')
    .option(...JSON_OPTION)
    .action(protect);
  root
    .command('unprotect')
    .description('back up a database no longer; its snapshots stay')
    .argument('<database>', 'id, name or server/database')
    .option('--confirm <name>', 'the database’s own name, in place of typing it')
    .option(...JSON_OPTION)
    .action(unprotect);
}

interface DatabasesOptions extends Json {
  server?: string;
  search?: string;
  available?: true;
}

async function databases({ available, json, search, server }: DatabasesOptions): Promise<void> {
  if (available) return availableDatabases(server, json);
  const client = await connect();
  const query = new URLSearchParams();
  if (server !== undefined) query.set('serverId', (await serverCalled(client, server)).id);
  if (search !== undefined) query.set('q', search);
  const all = await client.list(`/databases?${query}`, databaseShape);
  if (json) return sayJson(all);
  const rows = all.map((one) => [
    one.name,
    one.serverName,
    one.status,
    when(one.lastSnapshot?.createdAt),
    one.lastSnapshot ? bytes(one.lastSnapshot.rawBytes) : '–',
    String(one.snapshotCount),
    one.id,
  ]);
  const heading = ['NAME', 'SERVER', 'STATUS', 'LAST SNAPSHOT', 'SIZE', 'SNAPSHOTS', 'ID'];
  sayTable(heading, rows, 'No such database is protected: homeport protect SERVER NAME…');
}

async function availableDatabases(server: string | undefined, json: true | undefined): Promise<void> {
  if (server === undefined)
    throw fail('invalid_input', '--available asks one server.', 'Add --server SERVER.');
  const client = await connect();
  const { id } = await serverCalled(client, server);
  const { databases } = await client.get(`/servers/${id}/available-databases`, availableShape);
  if (json) return sayJson(databases);
  const rows = databases.map((one) => [
    one.name,
    one.sizeBytes === null ? '–' : bytes(one.sizeBytes),
    one.owner ?? '–',
    one.databaseId === null ? 'no' : 'yes',
  ]);
  sayTable(['NAME', 'SIZE', 'OWNER', 'PROTECTED'], rows, 'The server shows this account no database.');
}

async function database(wanted: string, { json }: Json): Promise<void> {
  const one = await databaseCalled(await connect(), wanted);
  if (json) return sayJson(one);
  sayFacts([
    ['Database', one.name],
    ['Id', one.id],
    ['Server', `${one.serverName} (${one.engine})`],
    ['Agent', `${one.agentName} (${one.agentState})`],
    ['Status', `${one.status}: ${one.statusReason}`],
    ['Snapshots', String(one.snapshotCount)],
    ['Last snapshot', lastSnapshot(one)],
    [
      'Last backup',
      one.lastJob ? `${one.lastJob.state} ${when(one.lastJob.finishedAt)} (job ${one.lastJob.id})` : '–',
    ],
  ]);
}

function lastSnapshot({ lastSnapshot }: Database): string {
  if (!lastSnapshot) return '–';
  const { createdAt, id, rawBytes, sequence } = lastSnapshot;
  return `#${sequence} ${when(createdAt)}, ${bytes(rawBytes)} (${id})`;
}

async function protect(wanted: string, names: string[], { json }: Json): Promise<void> {
  const client = await connect();
  const server = await serverCalled(client, wanted);
  // Asked first: a name that is not there would fail at its first backup, perhaps tonight.
  const { databases } = await client.get(`/servers/${server.id}/available-databases`, availableShape);
  const missing = names.filter((name) => !databases.some((one) => one.name === name));
  if (missing.length > 0)
    throw fail(
      'not_found',
      `${server.name} has no database ${missing.map((name) => `“${name}”`).join(', ')} that its account may see.`,
      `homeport databases --available --server ${server.id} lists those there are.`,
    );
  const made = await client.post('/databases', { serverId: server.id, names }, z.array(databaseShape));
  if (json) return sayJson(made);
  for (const one of made) say(`${server.name}/${one.name} is protected (${one.id}).`);
  remark(`Back up now: homeport backup ${made.map(({ id }) => id).join(' ')} --wait`);
}

async function unprotect(wanted: string, { confirm, json }: Json & { confirm?: string }): Promise<void> {
  const client = await connect();
  const { id, name, serverName, snapshotCount } = await databaseCalled(client, wanted);
  await confirmName({ name, what: 'database' }, `This ends the backups of ${serverName}/${name}.`, confirm);
  const gone = await client.delete(`/databases/${id}`, { confirm: name }, z.looseObject({ id: z.string() }));
  if (json) return sayJson(gone);
  say(`${serverName}/${name} is protected no longer. ${counted(snapshotCount, 'snapshot')} of it stay.`);
}
