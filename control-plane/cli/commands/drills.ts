import type { Command } from 'commander';
import { z } from 'zod';
import { type Assertion, assertionSchema } from '../../../protocol/drill.ts';
import { fail } from '../../../protocol/failure.ts';
import type { Client } from '../remote/client.ts';
import { databaseCalled } from '../remote/resolve.ts';
import { jobShape } from '../remote/shapes.ts';
import { JSON_OPTION, say, sayJson, sayTable } from '../say.ts';
import { WAIT_OPTIONS, type WaitOptions } from '../wait/wait.ts';
import { afterStart } from './jobs.ts';
import { connect } from './session.ts';

type Json = { json?: true };

const shape = z.looseObject({ assertions: z.array(assertionSchema.loose()) });

/** `drill`, `assertions`, `set-assertion`, `remove-assertion`. */
export function addDrillCommands(root: Command): void {
  const drillCommand = root
    .command('drill')
    .description('try the newest snapshot of a database out, on a disposable server of its agent’s host')
    .argument('<database>', 'id, name or server/database')
    .option(...JSON_OPTION)
    .action(drill);
  for (const option of WAIT_OPTIONS) drillCommand.addOption(option);
  root
    .command('assertions')
    .description('list what drills ask of a database beside counting its rows')
    .argument('<database>', 'id, name or server/database')
    .option(...JSON_OPTION)
    .action(list);
  root
    .command('set-assertion')
    .description('have drills ask a query that has to give one row with true or a number other than 0')
    .argument('<database>', 'id, name or server/database')
    .argument('<name>', 'of one that is there, to change it')
    .argument('<query>')
    .action(set);
  root
    .command('remove-assertion')
    .description('have drills ask it no more')
    .argument('<database>', 'id, name or server/database')
    .argument('<name>')
    .action(remove);
}

async function drill(wanted: string, options: WaitOptions & { wait?: true } & Json): Promise<void> {
  const client = await connect();
  const { id } = await databaseCalled(client, wanted);
  await afterStart(client, await client.post(`/databases/${id}/drill`, {}, jobShape), options);
}

async function list(wanted: string, { json }: Json): Promise<void> {
  const { assertions } = await current(await connect(), wanted);
  if (json) return sayJson({ assertions });
  const rows = assertions.map(({ name, query }) => [name, query]);
  sayTable(['NAME', 'QUERY'], rows, 'Drills count rows only: homeport set-assertion DATABASE NAME QUERY');
}

async function set(wanted: string, name: string, query: string): Promise<void> {
  const client = await connect();
  const { assertions, path } = await current(client, wanted);
  const known = assertions.some((one) => one.name === name);
  const next = known
    ? assertions.map((one) => (one.name === name ? { name, query } : one))
    : [...assertions, { name, query }];
  await client.put(path, { assertions: next }, shape);
  say(`Drills ask “${name}” from now on.`);
}

async function remove(wanted: string, name: string): Promise<void> {
  const client = await connect();
  const { assertions, path } = await current(client, wanted);
  const next = assertions.filter((one) => one.name !== name);
  if (next.length === assertions.length)
    throw fail('not_found', `There is no assertion “${name}”.`, 'homeport assertions DATABASE lists them.');
  await client.put(path, { assertions: next }, shape);
  say(`Drills ask “${name}” no more.`);
}

async function current(client: Client, wanted: string): Promise<{ path: string; assertions: Assertion[] }> {
  const { id } = await databaseCalled(client, wanted);
  const path = `/databases/${id}/assertions`;
  return { path, assertions: (await client.get(path, shape)).assertions };
}
