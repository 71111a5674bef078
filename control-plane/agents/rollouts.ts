import { randomUUID } from 'node:crypto';
import { type Failure, type FailureError, fail, toFailure } from '../../protocol/failure.ts';
import type { Inventory } from '../../protocol/messages.ts';
import { isNewer } from '../../protocol/release.ts';
import type { Actor, Audit } from '../audit.ts';
import type { Clock } from '../clock.ts';
import { type AgentRow, findAgent, listAgents } from '../db/agents.ts';
import type { Db } from '../db/open.ts';
import {
  changeRollout,
  findRollout,
  insertRollout,
  type RolloutRow,
  runningRollout,
} from '../db/rollouts.ts';
import { latestUpdate, type UpdateRow } from '../db/updates.ts';
import type { Events } from '../events.ts';
import type { Logger } from '../log.ts';
import type { Registry } from './registry.ts';
import type { AgentRelease } from './release.ts';
import { type Asker, requireServed, type Updates } from './updates.ts';

export interface RolloutsDeps {
  db: Db;
  clock: Clock;
  events: Events;
  audit: Audit;
  log: Logger;
  registry: Registry;
  release: AgentRelease;
  updates: Updates;
}

export interface RolloutWish {
  /** The agent that goes first, alone; where absent, the first by name. */
  canary?: string | undefined;
  /** Agents in each batch after it. */
  batchSize: number;
}

/** Updates of many agents: one first, then batch after batch, as long as nothing fails. */
export interface Rollouts {
  /** Begins with the canary; the rest goes on by itself. @throws FailureError `conflict` | `update_not_possible` … */
  begin(wish: RolloutWish, asker: Asker): Promise<RolloutRow>;
  /** Begins no further update; those under way go on. @throws FailureError `not_found` | `conflict` */
  stop(id: string, asker: Asker): RolloutRow;
  /** Takes up what a former process began, and follows updates from then on. */
  start(): void;
  /** Looks no more; what runs goes on at the next start. */
  close(): void;
}

/** When to look again where the index could not be read or written. */
const AGAIN_MS = 5_000;
const SYSTEM: Actor = { kind: 'system', id: null, name: 'rollout' };

export function createRollouts(deps: RolloutsDeps): Rollouts {
  const { audit, clock, db, events, log, registry, updates } = deps;
  let advancing = false;
  let again = false;
  let cancelTimer = () => {};
  let stopped = false;

  function end(row: RolloutRow, state: 'succeeded' | 'stopped', failure?: Failure): void {
    const set = { state, failure: failure ? JSON.stringify(failure) : null, finishedAt: clock.now() };
    if (!changeRollout(db, row.id, set)) return;
    const details = {
      version: row.version,
      ...(failure ? { code: failure.code, message: failure.message } : {}),
    };
    audit({ actor: SYSTEM, action: `rollout.${state}`, target: { kind: 'rollout', id: row.id }, details });
    events.changed('agents');
  }

  /** One look at a time: an update that ends while one is under way makes one more. */
  async function advance(): Promise<void> {
    again = true;
    if (advancing) return;
    advancing = true;
    cancelTimer();
    try {
      while (again) {
        again = false;
        const row = runningRollout(db);
        if (row) await step(row).catch((error) => end(row, 'stopped', toFailure(error)));
      }
    } catch (err) {
      // Its end could not be noted either. Nothing else would bring it on, and no other may begin beside it.
      log.error({ err }, 'the updates of many agents could not be brought on; trying again');
      if (!stopped) cancelTimer = clock.after(AGAIN_MS, () => void advance());
    } finally {
      advancing = false;
    }
  }

  async function step(row: RolloutRow): Promise<void> {
    const batches = JSON.parse(row.batches) as string[][];
    const batch = batches[row.current];
    if (!batch) return end(row, 'succeeded');
    const skipped = new Set(JSON.parse(row.skipped) as string[]);
    for (const agentId of batch) {
      if (skipped.has(agentId) || updateIn(row, agentId) || isThere(row, agentId)) continue;
      if (registry.isOnline(agentId)) await updates.begin(agentId, { actor: SYSTEM });
      else skipped.add(agentId);
    }
    changeRollout(db, row.id, { skipped: JSON.stringify([...skipped]) });
    const own = batch.map((agentId) => updateIn(row, agentId)).filter((update) => update !== undefined);
    const failed = own.find(({ state }) => state === 'failed');
    if (failed) return end(row, 'stopped', failureOf(failed));
    events.changed('agents');
    if (own.some(({ finishedAt }) => finishedAt === null)) return;
    changeRollout(db, row.id, { current: row.current + 1 });
    again = true;
  }

  /** The update of an agent that this rollout made. */
  function updateIn(row: RolloutRow, agentId: string): UpdateRow | undefined {
    const latest = latestUpdate(db, agentId);
    return latest && latest.createdAt >= row.createdAt ? latest : undefined;
  }

  /** Somebody may have updated it on its host meanwhile. */
  function isThere({ version }: RolloutRow, agentId: string): boolean {
    const agent = findAgent(db, agentId);
    return !agent || agent.revokedAt !== null || !isNewer(version, agent.version ?? '0.0.0');
  }

  function failureOf(update: UpdateRow): Failure {
    const cause = JSON.parse(update.failure ?? '{}') as Partial<Failure>;
    const name = findAgent(db, update.agentId)?.name ?? update.agentId;
    const message = `“${name}” was not updated, so no other agent is: ${cause.message ?? ''}`;
    return fail(cause.code ?? 'internal', message, cause.hint ?? 'Look at its page.').failure;
  }

  return {
    async begin({ batchSize, canary }, { actor, from }) {
      if (runningRollout(db))
        throw fail('conflict', 'Agents are being updated already.', 'Wait, or stop that.');
      const { version } = await requireServed(deps.release);
      const able = listAgents(db).filter((agent) => canBecome(agent, version) && registry.isOnline(agent.id));
      const first = canary === undefined ? able[0] : able.find(({ id }) => id === canary);
      if (!first) throw nobody(version, canary !== undefined);
      const rest = able.filter(({ id }) => id !== first.id).map(({ id }) => id);
      const batches = [[first.id], ...chunked(rest, batchSize)];
      const row: RolloutRow = {
        ...{ id: randomUUID(), version, state: 'running', batches: JSON.stringify(batches) },
        ...{ current: 0, skipped: '[]', failure: null, requestedBy: actor.name ?? actor.kind },
        ...{ createdAt: clock.now(), finishedAt: null },
      };
      insertRollout(db, row);
      const details = { version, agents: able.length, canary: first.name };
      audit({ actor, action: 'rollout.begin', target: { kind: 'rollout', id: row.id }, from, details });
      await advance();
      return findRollout(db, row.id) ?? row;
    },
    stop(id, { actor, from }) {
      if (!findRollout(db, id))
        throw fail('not_found', 'There is no such rollout.', 'Look at the agents’ page.');
      const set = { state: 'stopped', finishedAt: clock.now() } as const;
      if (!changeRollout(db, id, set))
        throw fail('conflict', 'It has ended already.', 'Nothing is left to do.');
      audit({ actor, action: 'rollout.stop', target: { kind: 'rollout', id }, from });
      events.changed('agents');
      return findRollout(db, id) as RolloutRow;
    },
    start() {
      updates.onEnded(() => void advance());
      void advance();
    },
    close() {
      stopped = true;
      cancelTimer();
    },
  };
}

/** Whether there is any sense in asking an agent; the agent itself decides. */
function canBecome({ inventory, revokedAt, version: running }: AgentRow, version: string): boolean {
  if (inventory === null || revokedAt !== null || running === null || !isNewer(version, running))
    return false;
  const { policy, requests, update } = JSON.parse(inventory) as Inventory;
  return policy.update === 'allow' && update?.possible === true && requests?.includes('update') === true;
}

function chunked(ids: readonly string[], size: number): string[][] {
  const batches: string[][] = [];
  for (let at = 0; at < ids.length; at += size) batches.push(ids.slice(at, at + size));
  return batches;
}

function nobody(version: string, chosen: boolean): FailureError {
  return fail(
    'update_not_possible',
    chosen
      ? `The agent that is to go first is not connected, or cannot become ${version} from here.`
      : `No connected agent can become ${version} from here.`,
    'An agent has to run as the service of install.sh, be older, and be allowed to by its local policy.',
  );
}
