import { randomUUID } from 'node:crypto';
import { type Failure, fail, toFailure } from '../../protocol/failure.ts';
import type { ValueOf } from '../../protocol/messages.ts';
import type { Actor, Audit } from '../audit.ts';
import type { Clock } from '../clock.ts';
import { databasesOfServer, isDecided, protectDatabase } from '../db/databases.ts';
import type { Db } from '../db/open.ts';
import { autoProtectedServers, findServer, type ServerRow } from '../db/servers.ts';
import type { Events } from '../events.ts';
import type { Logger } from '../log.ts';
import type { Registry } from './registry.ts';

export interface AutoProtectDeps {
  db: Db;
  clock: Clock;
  events: Events;
  audit: Audit;
  log: Logger;
  registry: Registry;
}

/**
 * Keeps every database of chosen servers protected, those that appear later too. One that a person stopped protecting
 * is left alone; one that is known from a safety snapshot only was never decided about.
 */
export interface AutoProtect {
  /** Asks a server for its databases now and protects those nobody decided about; resolves once that is done. */
  look(serverId: string): Promise<void>;
  /** The same for all chosen servers of an agent, soon. */
  lookAtAgent(agentId: string): void;
  /** Why the last look failed; `undefined` where it succeeded or none was possible yet. */
  failureOf(serverId: string): Failure | undefined;
  /** Looks at every chosen server of the connected agents each five minutes. */
  start(): void;
  stop(): void;
}

const EVERY_MS = 5 * 60_000;
const AT_ONCE = 8;
/** Databases of one server that come under protection by themselves; an agent could invent any number. */
const MAX_DATABASES = 5_000;
const ACTOR: Actor = { kind: 'system', id: null, name: 'auto-protect' };

type Listed = ValueOf<'databases.list'>['databases'];

export function createAutoProtect(deps: AutoProtectDeps): AutoProtect {
  const { clock, db, events, log, registry } = deps;
  const failures = new Map<string, Failure>();
  const waiting = new Set<string>();
  let workers = 0;
  let cancelTimer: (() => void) | undefined;

  const look = oneAtATime(async (serverId) => {
    const server = chosen(db, serverId);
    if (!server || !registry.isOnline(server.agentId)) return;
    try {
      const { databases } = await registry.ask(server.agentId, 'databases.list', { serverId });
      protectNew(deps, serverId, databases);
      if (failures.delete(serverId)) events.changed('servers', serverId);
    } catch (error) {
      const failure = toFailure(error);
      if (failure.code === 'agent_offline') return; // it is looked at again once the agent is back
      // Said once: the same reason again, every five minutes, would only fill the log.
      if (failures.get(serverId)?.code === failure.code) return;
      failures.set(serverId, failure);
      log.warn({ serverId, failure }, 'new databases of a server cannot be protected');
      events.changed('servers', serverId);
    }
  });

  async function work(): Promise<void> {
    workers += 1;
    try {
      for (const serverId of waiting) {
        waiting.delete(serverId);
        await look(serverId);
      }
    } finally {
      workers -= 1;
    }
  }

  function enqueue(servers: ServerRow[]): void {
    for (const { agentId, id } of servers) if (registry.isOnline(agentId)) waiting.add(id);
    while (workers < AT_ONCE && waiting.size > 0) {
      work().catch((err) => log.error({ err }, 'protecting new databases failed'));
    }
  }

  function tick(): void {
    const servers = autoProtectedServers(db);
    const known = new Set(servers.map(({ id }) => id));
    for (const id of failures.keys()) if (!known.has(id)) failures.delete(id);
    enqueue(servers);
    cancelTimer = clock.after(EVERY_MS, tick);
  }

  return {
    look,
    lookAtAgent: (agentId) => enqueue(autoProtectedServers(db, agentId)),
    failureOf: (serverId) => failures.get(serverId),
    start: tick,
    stop: () => cancelTimer?.(),
  };
}

function chosen(db: Db, serverId: string): ServerRow | undefined {
  const server = findServer(db, serverId);
  if (!server || server.autoProtectSince === null) return undefined;
  return server.removedAt === null && server.awaitsCredentialsSince === null ? server : undefined;
}

function protectNew(deps: AutoProtectDeps, serverId: string, listed: Listed): void {
  const { audit, clock, db, events } = deps;
  const { added, left } = db.transaction(() => {
    const server = chosen(db, serverId); // it may have been switched off while the agent was asked
    if (!server) return { added: 0, left: 0 };
    const rows = databasesOfServer(db, serverId);
    const ids = new Map(rows.map(({ id, name }) => [name, id]));
    const decided = new Set(rows.filter(isDecided).map(({ name }) => name));
    const fresh = listed.filter(({ connectable, name }) => connectable && isName(name) && !decided.has(name));
    const names = [...new Set(fresh.map(({ name }) => name))];
    const room = names.slice(0, Math.max(0, MAX_DATABASES - decided.size));
    const now = clock.now();
    for (const name of room) {
      const id = ids.get(name) ?? randomUUID();
      protectDatabase(db, { id, serverId, name, createdAt: now, protectedAt: now });
      const target = { kind: 'database', id, name };
      audit({ actor: ACTOR, action: 'database.protect', target, details: { server: server.name } });
    }
    return { added: room.length, left: names.length - room.length };
  });
  if (added > 0) events.changed('databases');
  if (left > 0) throw tooMany();
}

function isName(name: string): boolean {
  return name.length > 0 && name.length <= 255;
}

function tooMany() {
  return fail(
    'conflict',
    `The server has more databases than are protected by themselves (${MAX_DATABASES.toLocaleString('en')}).`,
    'Choose by hand which of them to protect.',
  );
}

/** One look at a server at a time; who asks during one waits for the next, which all of them share. */
function oneAtATime(look: (serverId: string) => Promise<void>): (serverId: string) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  const next = new Map<string, Promise<void>>();
  function begin(serverId: string): Promise<void> {
    const run = look(serverId).finally(() => running.delete(serverId));
    running.set(serverId, run);
    return run;
  }
  return (serverId) => {
    const current = running.get(serverId);
    if (!current) return begin(serverId);
    const pending =
      next.get(serverId) ??
      current
        .catch(() => undefined)
        .then(() => {
          next.delete(serverId);
          return begin(serverId);
        });
    next.set(serverId, pending);
    return pending;
  };
}
