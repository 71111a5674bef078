import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';
import { table } from '../text.ts';
import type { Client } from './client.ts';
import { type Policy, policyShape } from './policy-shapes.ts';
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

/** What the control plane finds by a name, among more: the parts of a full name are in several of its names. */
function search(name: string): URLSearchParams {
  return new URLSearchParams({ q: UUID.test(name) ? name.toLowerCase() : name.replaceAll('/', ' ') });
}

/** @throws FailureError `not_found`, or `invalid_input` where several have that name */
export async function agentCalled(client: Client, text: string): Promise<Agent> {
  const agents = await client.list(`/agents?${search(text)}`, agentShape);
  // A successor may have the name of the one whose place it took.
  const live = agents.filter(({ name, state }) => state !== 'revoked' && name === text);
  return only(live.length > 0 ? live : agents, text, { what: 'agent', names: ({ name }) => [name] });
}

/** A server by id, name, or `agent/server`. @throws as {@link agentCalled} */
export async function serverCalled(client: Client, text: string): Promise<Server> {
  const servers = await client.list(`/servers?${search(text)}`, serverShape);
  const full = ({ agentName, name }: Server) => `${agentName}/${name}`;
  const present = servers.filter((one) => !one.removedFromAgent || one.id === text);
  return only(present, text, { what: 'server', names: (one) => [full(one), one.name] });
}

/** A vault by id or name. @throws as {@link agentCalled} */
export async function vaultCalled(client: Client, text: string): Promise<{ id: string; name: string }> {
  const vaults = await client.get('/vaults', z.array(vaultShape));
  return only(vaults, text, { what: 'vault', names: ({ name }) => [name] });
}

/** A policy by id or name. @throws as {@link agentCalled} */
export async function policyCalled(client: Client, text: string): Promise<Policy> {
  const policies = await client.get('/policies', z.array(policyShape));
  return only(policies, text, { what: 'policy', names: ({ name }) => [name] });
}

/** A database by id, name, or `server/database`. @throws as {@link agentCalled} */
export async function databaseCalled(client: Client, text: string): Promise<Database> {
  if (UUID.test(text)) return client.get(`/databases/${text}`, databaseShape);
  const databases = await client.list(`/databases?${search(text)}`, databaseShape);
  const full = ({ name, serverName }: Database) => `${serverName}/${name}`;
  return only(databases, text, {
    what: 'database',
    names: (one) => [full(one), one.name],
    hint: 'homeport databases lists those that are protected or have snapshots; homeport protect SERVER NAME adds one.',
  });
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
  const snapshots =
    number === undefined
      ? await client.get(`/snapshots?databaseId=${database.id}&limit=1`, z.array(snapshotShape))
      : await client.list(`/snapshots?databaseId=${database.id}`, snapshotShape);
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

interface Kind<T> {
  what: 'agent' | 'server' | 'database' | 'policy' | 'vault';
  /** What one may be called, the fullest name first. */
  names(one: T): string[];
  /** What to do where there is none. */
  hint?: string;
}

/** The one of `all` with this id, else with this name. */
function only<T extends { id: string }>(all: T[], text: string, { hint, names, what }: Kind<T>): T {
  const many = what === 'policy' ? 'policies' : `${what}s`;
  const byId = all.filter((one) => one.id === text.toLowerCase());
  const found = byId.length > 0 ? byId : all.filter((one) => names(one).includes(text));
  const [first, ...others] = found;
  if (first && others.length === 0) return first;
  if (!first)
    throw fail(
      'not_found',
      `There is no ${what} “${text}”.`,
      hint ?? `homeport ${many} lists those there are.`,
    );
  const list = table(found.map((one) => [`  ${names(one)[0]}`, one.id])).trimEnd();
  throw fail(
    'invalid_input',
    `“${text}” is the name of ${found.length} ${many}:\n${list}`,
    'Give the id of the one you mean, or its full name where that is different.',
  );
}
