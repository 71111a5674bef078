import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';
import { table } from '../text.ts';
import type { Client } from './client.ts';
import {
  type Agent,
  agentShape,
  type Database,
  databaseShape,
  type Server,
  type Snapshot,
  serverShape,
  snapshotShape,
  vaultShape,
} from './shapes.ts';

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** @throws FailureError `not_found`, or `invalid_input` where several have that name */
export async function agentCalled(client: Client, text: string): Promise<Agent> {
  const agents = await client.get('/agents', z.array(agentShape));
  return only(
    text,
    'agent',
    candidates(agents, text, ({ name }) => [name]),
    ({ name }) => name,
  );
}

/** A server by id, name, or `agent/server`. @throws as {@link agentCalled} */
export async function serverCalled(client: Client, text: string): Promise<Server> {
  const servers = await client.get('/servers', z.array(serverShape));
  const full = ({ agentName, name }: Server) => `${agentName}/${name}`;
  const present = servers.filter((one) => !one.removedFromAgent || one.id === text);
  return only(
    text,
    'server',
    candidates(present, text, (one) => [one.name, full(one)]),
    full,
  );
}

/** A vault by id or name. @throws as {@link agentCalled} */
export async function vaultCalled(client: Client, text: string): Promise<{ id: string; name: string }> {
  const vaults = await client.get('/vaults', z.array(vaultShape));
  return only(
    text,
    'vault',
    candidates(vaults, text, ({ name }) => [name]),
    ({ name }) => name,
  );
}

/** A database by id, name, or `server/database`. @throws as {@link agentCalled} */
export async function databaseCalled(client: Client, text: string): Promise<Database> {
  if (UUID.test(text)) return client.get(`/databases/${text}`, databaseShape);
  const databases = await client.get('/databases', z.array(databaseShape));
  const full = ({ name, serverName }: Database) => `${serverName}/${name}`;
  return only(
    text,
    'database',
    candidates(databases, text, (one) => [one.name, full(one)]),
    full,
  );
}

/**
 * A snapshot by id, or, `of` a database, by its number or as `latest`.
 * @throws as {@link agentCalled}
 */
export async function snapshotCalled(
  client: Client,
  text: string,
  of: string | undefined,
): Promise<Snapshot> {
  if (UUID.test(text)) return client.get(`/snapshots/${text}`, snapshotShape);
  const number = /^#?(\d+)$/.exec(text)?.[1];
  if (text !== 'latest' && number === undefined)
    throw fail(
      'invalid_input',
      `“${text}” is no snapshot: give its id, or “latest” or its number with --of DATABASE.`,
      'homeport snapshots lists them.',
    );
  if (of === undefined) throw fail('invalid_input', `“${text}” of which database?`, 'Add --of DATABASE.');
  const database = await databaseCalled(client, of);
  const snapshots = await client.get(`/snapshots?databaseId=${database.id}`, z.array(snapshotShape));
  const found =
    number === undefined ? snapshots[0] : snapshots.find((one) => one.sequence === Number(number));
  if (found) return found;
  const name = `${database.serverName}/${database.name}`;
  throw number === undefined
    ? fail('not_found', `${name} has no snapshot yet.`, `Make one: homeport backup ${database.id} --wait`)
    : fail(
        'not_found',
        `${name} has no snapshot number ${number}.`,
        `homeport snapshots ${database.id} lists them.`,
      );
}

function candidates<T extends { id: string }>(all: T[], text: string, names: (one: T) => string[]): T[] {
  const byId = all.filter((one) => one.id === text.toLowerCase());
  return byId.length > 0 ? byId : all.filter((one) => names(one).includes(text));
}

function only<T extends { id: string }>(
  text: string,
  what: 'agent' | 'server' | 'database' | 'vault',
  found: T[],
  full: (one: T) => string,
): T {
  const [first, ...others] = found;
  if (first && others.length === 0) return first;
  if (!first)
    throw fail('not_found', `There is no ${what} “${text}”.`, `homeport ${what}s lists those there are.`);
  throw fail(
    'invalid_input',
    `“${text}” is the name of ${found.length} ${what}s:\n${table(found.map((one) => [`  ${full(one)}`, one.id])).trimEnd()}`,
    'Give the id of the one you mean, or its full name where that is different.',
  );
}
