import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { type AutoProtect, createAutoProtect } from '../../control-plane/agents/auto-protect.ts';
import { createRegistry } from '../../control-plane/agents/registry.ts';
import type { AgentSession } from '../../control-plane/agents/session.ts';
import { createAudit } from '../../control-plane/audit.ts';
import { insertAgent } from '../../control-plane/db/agents.ts';
import { listAudit } from '../../control-plane/db/audit.ts';
import {
  databasesOfServer,
  findDatabaseByName,
  rememberDatabase,
  stopProtecting,
} from '../../control-plane/db/databases.ts';
import { openDb } from '../../control-plane/db/open.ts';
import { insertServer, updateServer } from '../../control-plane/db/servers.ts';
import { createEvents } from '../../control-plane/events.ts';
import { createLogger } from '../../control-plane/log.ts';
import { fail } from '../../protocol/failure.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const FIVE_MINUTES = 5 * 60_000;
const agentId = randomUUID();
const serverId = randomUUID();

let clock: ReturnType<typeof createFakeClock>;
let db: ReturnType<typeof openDb>;
let registry: ReturnType<typeof createRegistry>;
let autoProtect: AutoProtect;
let changed: string[];
/** What the agent finds on the server, and how often it was asked. */
let onServer: { name: string; connectable: boolean }[] | Error;
let asked: number;

beforeEach(() => {
  clock = createFakeClock();
  db = openDb(':memory:');
  registry = createRegistry();
  changed = [];
  asked = 0;
  onServer = databases('shop', 'blog');
  const events = createEvents((error) => {
    throw error;
  });
  events.subscribe(({ data }) => 'topic' in data && changed.push(data.topic));
  const at = { createdAt: 0 };
  insertAgent(db, { id: agentId, name: 'a', identityKey: agentId, sealingKey: 'age1', ...at });
  const place = { id: serverId, agentId, name: 's', engine: 'any', connection: '{}', version: null };
  insertServer(db, { ...place, addedOnHost: false, removedAt: null, autoProtectSince: 0, ...at });
  const [audit, log] = [createAudit(db, clock), createLogger('silent')];
  autoProtect = createAutoProtect({ db, clock, events, audit, log, registry });
});

const databases = (...names: string[]) => names.map((name) => ({ name, connectable: true }));
const protectedNames = () =>
  databasesOfServer(db, serverId)
    .filter(({ protectedAt }) => protectedAt !== null)
    .map(({ name }) => name);

function connect(): AgentSession {
  const ask = async () => {
    asked += 1;
    await turn();
    if (onServer instanceof Error) throw onServer;
    return { databases: onServer.map((one) => ({ ...one, sizeBytes: null, owner: null })) } as never;
  };
  const session: AgentSession = {
    ...{ connectionId: randomUUID(), agentId, agentName: 'a', connectedAt: clock.now(), from: '' },
    requests: { ask, onReply() {}, close() {} },
    send: () => true,
    probe: () => Promise.resolve(true),
    close() {},
  };
  registry.add(session);
  return session;
}

/** Lets what was begun come to its end. */
async function settled(): Promise<void> {
  await autoProtect.look(serverId);
}

test('all that can be connected to is protected, and each is in the audit log', async () => {
  connect();
  onServer = [...databases('shop', 'blog'), { name: 'closed', connectable: false }];
  await autoProtect.look(serverId);
  expect(protectedNames()).toEqual(['blog', 'shop']);
  const entries = listAudit(db, { limit: 10 }).filter(({ action }) => action === 'database.protect');
  expect(entries.map(({ actorName, targetName }) => [actorName, targetName]).toSorted()).toEqual([
    ['auto-protect', 'blog'],
    ['auto-protect', 'shop'],
  ]);
  expect(changed).toEqual(['databases']);
});

test('what appears later is protected within five minutes, and at each connection', async () => {
  autoProtect.start();
  const session = connect();
  autoProtect.lookAtAgent(agentId);
  await settled();
  onServer = databases('shop', 'blog', 'new');
  clock.advance(FIVE_MINUTES);
  await settled();
  expect(protectedNames()).toContain('new');
  registry.remove(session);
  onServer = databases('newer');
  const before = asked;
  clock.advance(FIVE_MINUTES); // nobody to ask
  await settled();
  expect(asked).toBe(before);
  connect();
  autoProtect.lookAtAgent(agentId);
  await settled();
  expect(protectedNames()).toContain('newer');
  autoProtect.stop();
  const after = asked;
  clock.advance(2 * FIVE_MINUTES);
  await turn();
  expect(asked).toBe(after);
});

test('what a user stopped protecting stays unprotected', async () => {
  connect();
  await autoProtect.look(serverId);
  stopProtecting(db, findDatabaseByName(db, serverId, 'shop')?.id ?? '', clock.now());
  await autoProtect.look(serverId);
  expect(protectedNames()).toEqual(['blog']);
});

test('what is known from a safety snapshot only is protected all the same', async () => {
  connect();
  const id = randomUUID();
  rememberDatabase(db, { id, serverId, name: 'shop', createdAt: 0 });
  await autoProtect.look(serverId);
  expect(protectedNames()).toEqual(['blog', 'shop']);
  const entries = listAudit(db, { limit: 10 }).filter(({ targetName }) => targetName === 'shop');
  expect(entries).toMatchObject([{ action: 'database.protect', targetId: id }]);
});

test('switched off while the agent is asked, nothing more is protected', async () => {
  connect();
  const looking = autoProtect.look(serverId);
  updateServer(db, serverId, { autoProtectSince: null });
  await looking;
  expect(protectedNames()).toEqual([]);
  await autoProtect.look(serverId);
  expect(asked).toBe(1);
});

test('looks at one server do not overlap; those who wait share the next one', async () => {
  connect();
  await Promise.all(Array.from({ length: 5 }, () => autoProtect.look(serverId)));
  expect(asked).toBe(2);
});

test('why it does not work is kept and told once, and forgotten once it works', async () => {
  connect();
  onServer = fail('access_denied', 'No.', 'Check the password.');
  await autoProtect.look(serverId);
  await autoProtect.look(serverId);
  expect(autoProtect.failureOf(serverId)).toMatchObject({ code: 'access_denied' });
  expect(changed).toEqual(['servers']);
  onServer = databases('shop');
  await autoProtect.look(serverId);
  expect(autoProtect.failureOf(serverId)).toBeUndefined();
  expect(changed).toEqual(['servers', 'databases', 'servers']);
});

test('an agent that makes up databases without end is stopped at a limit', async () => {
  connect();
  onServer = databases(...Array.from({ length: 5_100 }, (_, at) => `d${at}`));
  await autoProtect.look(serverId);
  expect(protectedNames()).toHaveLength(5_000);
  expect(autoProtect.failureOf(serverId)).toMatchObject({ code: 'conflict' });
});
