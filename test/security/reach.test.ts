import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCESS } from '../../control-plane/auth/access.ts';
import { protectDatabase } from '../../control-plane/db/databases.ts';
import { insertJobs } from '../../control-plane/db/jobs.ts';
import { insertServer } from '../../control-plane/db/servers.ts';
import { snapshotQueries } from '../../control-plane/db/snapshots.ts';
import { startWorld, type World } from '../control-plane/world.ts';
import { addPerson, type Person } from '../support/people.ts';
import { enrolMember } from '../support/raw-agent.ts';

interface Team {
  agent: string;
  server: string;
  database: string;
  snapshot: string;
  job: string;
}

let world: World;
let ours: Team;
let theirs: Team;
let person: Person;

beforeAll(async () => {
  world = await startWorld();
  ours = await addTeam('ours', ['team=ours', 'production']);
  theirs = await addTeam('theirs', ['team=theirs']);
  person = await addPerson(world, {
    role: 'admin',
    extraRights: ['restore', 'download', 'delete'],
    labels: ['team=ours'],
  });
});
afterAll(() => world[Symbol.asyncDispose]());

/** An agent with one of everything, straight in the index. */
async function addTeam(name: string, labels: string[]): Promise<Team> {
  const { db } = world;
  const agent = (await enrolMember(world.api, name)).pinned.agentId;
  await world.api.patch(`/agents/${agent}`, { labels });
  const [server, database, snapshot, job] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const at = { createdAt: 1, startedAt: 1, finishedAt: 1 };
  const common = { agentId: agent, engine: 'postgresql', createdAt: 1 };
  insertServer(db, { ...common, id: server, name, connection: '{}', addedOnHost: true });
  protectDatabase(db, { id: database, serverId: server, name, createdAt: 1, protectedAt: 1 });
  const [vault] = await world.api.get<{ id: string }[]>('/vaults');
  const ids = { agentId: agent, serverId: server, databaseId: database, vaultId: vault?.id ?? '' };
  snapshotQueries(db).add({
    ...{ ...ids, ...at, id: snapshot, jobId: job, engine: 'postgresql', sequence: 1, path: name },
    ...{ rawBytes: 7, storedBytes: 5, serverVersion: '15', tool: 'x', partial: false, damagedAt: null },
  });
  const done = { kind: 'backup', state: 'succeeded', attempt: 1, maxAttempts: 3, notBefore: 0 } as const;
  insertJobs(db, [{ ...ids, ...at, ...done, id: job, snapshotId: snapshot, requestedBy: name }]);
  return { agent, server, database, snapshot, job };
}

const OF_ONE = Object.entries(ACCESS).flatMap(([route, { of }]) => (of ? [[route, of] as const] : []));

/** What a request fails with; undefined where it does not. */
async function failureOf(route: string, id: string, body: unknown = {}): Promise<string | undefined> {
  const [method = '', path = ''] = route.split(' ');
  const response = await fetch(`${world.api.url}/api/v1${path.replace(':id', id)}`, {
    method,
    headers: { authorization: `Bearer ${person.api.key}`, 'content-type': 'application/json' },
    ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json().catch(() => ({}))) as { error?: { code: string; message: string } };
  return answer.error && `${answer.error.code}: ${answer.error.message}`;
}

describe('whoever is limited to agents with a label', () => {
  test('every route with an id that is of an agent is in this test', () => {
    const others = Object.entries(ACCESS).filter(([route, { needs, of }]) => {
      const ofTheFleet = needs.some((right) => right === 'fleet' || right === 'metrics' || right === 'own');
      return route.includes(':id') && of === undefined && !ofTheFleet;
    });
    expect(others.map(([route]) => route)).toEqual([
      'DELETE /me/sessions/:id',
      'DELETE /me/passkeys/:id',
      'DELETE /me/identities/:id',
      'DELETE /api-keys/:id',
    ]);
    expect(OF_ONE.length).toBeGreaterThan(20);
  });

  test.for(OF_ONE)('%s: what is of others is not there', async ([route, of]) => {
    const absent = `not_found: There is no such ${of}.`;
    expect(await failureOf(route, randomUUID())).toBe(absent);
    expect(await failureOf(route, theirs[of])).toBe(absent);
    expect(await failureOf(route, ours[of])).not.toBe(absent);
  });

  test('lists hold nothing of others', async () => {
    for (const path of ['/agents', '/servers', '/databases', '/snapshots', '/jobs']) {
      const rows = await person.api.get<{ id: string }[]>(path);
      const kind = path.slice(1, -1) as keyof Team;
      expect([path, rows.map(({ id }) => id)]).toEqual([path, expect.arrayContaining([ours[kind]])]);
      expect(JSON.stringify(rows)).not.toContain('theirs');
      expect(JSON.stringify(await world.api.get(path))).toContain('theirs');
    }
    expect(await person.api.get(`/snapshots?databaseId=${theirs.database}`)).toEqual([]);
    expect(await person.api.get(`/jobs?databaseId=${theirs.database}`)).toEqual([]);
    expect(await person.api.get(`/databases?serverId=${theirs.server}`)).toEqual([]);
  });

  test('the overview counts what is within reach', async () => {
    expect(await person.api.get('/overview')).toMatchObject({
      databases: { total: 1 },
      agents: { total: 1 },
      storage: { rawBytes: 7, storedBytes: 5, snapshots: 1 },
    });
    expect(await world.api.get('/overview')).toMatchObject({ databases: { total: 2 }, agents: { total: 2 } });
  });

  test('what a body names is held to the same', async () => {
    const sealed = Buffer.from('x'.repeat(200)).toString('base64');
    const server = { agentId: theirs.agent, name: 'x', engine: 'postgresql', sealed };
    const plan = { mode: 'new', targetDatabase: 'x', owners: 'none', endSessions: false };
    const target = { serverId: theirs.server, targetDatabase: 'x' };
    for (const [route, id, body] of [
      ['POST /servers/probe', '', { agentId: theirs.agent, serverId: theirs.server }],
      ['POST /servers', '', { ...server, id: randomUUID() }],
      ['PUT /servers/:id', ours.server, server],
      ['POST /databases', '', { serverId: theirs.server, names: ['x'] }],
      ['POST /snapshots/:id/restore/preflight', ours.snapshot, target],
      ['POST /snapshots/:id/restore', ours.snapshot, { serverId: theirs.server, confirm: 'x', plan }],
    ] as const) {
      expect([route, await failureOf(route, id, body)]).toEqual([route, expect.stringMatching(/^not_found/)]);
    }
  });

  test('nothing is tried again that was of others, whoever ran it', async () => {
    const { agent, server } = ours;
    const [mine, id] = [{ agentId: agent, serverId: server }, randomUUID()];
    const failed = { kind: 'restore', state: 'cancelled', attempt: 1, maxAttempts: 1, notBefore: 0 } as const;
    const from = { databaseId: theirs.database, snapshotId: theirs.snapshot, vaultId: 'v' };
    const plan = '{"mode":"new","targetDatabase":"x","owners":"none","endSessions":false}';
    const at = { createdAt: 1, requestedBy: 'x' };
    insertJobs(world.db, [{ ...mine, ...failed, ...from, ...at, id, plan }]);
    expect(await failureOf('POST /jobs/:id/retry', id)).toBe('not_found: There is no such database.');
  });

  test('has nothing of what is the whole fleet’s, and gives no labels', async () => {
    const refused = { status: 403, failure: { code: 'forbidden' } };
    for (const path of ['/vaults', '/users', '/audit', '/updates', '/enrolment-tokens']) {
      await expect(person.api.get(path)).rejects.toMatchObject(refused);
    }
    await expect(
      person.api.patch(`/agents/${ours.agent}`, { labels: ['team=theirs'] }),
    ).rejects.toMatchObject(refused);
  });
});
