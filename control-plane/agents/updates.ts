import { randomUUID } from 'node:crypto';
import { type Failure, FailureError, fail, toFailure } from '../../protocol/failure.ts';
import type { Inventory } from '../../protocol/messages.ts';
import { isNewer, type Release } from '../../protocol/release.ts';
import { negotiate, PROTOCOL } from '../../protocol/version.ts';
import type { Actor, Audit } from '../audit.ts';
import type { Clock } from '../clock.ts';
import { type AgentRow, findAgent } from '../db/agents.ts';
import type { Db } from '../db/open.ts';
import { changeUpdate, insertUpdate, latestUpdate, openUpdates, type UpdateRow } from '../db/updates.ts';
import type { Events } from '../events.ts';
import { requireAbility } from './abilities.ts';
import type { Registry } from './registry.ts';
import type { AgentRelease } from './release.ts';
import { agentOffline } from './requests.ts';

/** How long an agent may be away while it is replaced, in milliseconds: twice what its host gives the new build, and more. */
const AWAY_MS = 15 * 60_000;
const LOOK_MS = 30_000;

export interface UpdatesDeps {
  db: Db;
  clock: Clock;
  events: Events;
  audit: Audit;
  registry: Registry;
  release: AgentRelease;
}

/** Who asks for an update. */
export interface Asker {
  actor: Actor;
  from?: string;
}

/** Updates of agents: asked for here, decided by the agent, and told by it. */
export interface Updates {
  /**
   * Asks an agent to become the version that is served here. Goes on by itself; what becomes of it is in the database.
   * @throws FailureError why it is not even asked
   */
  begin(agentId: string, asker: Asker): Promise<UpdateRow>;
  /** What an agent says about itself may end its update. */
  onInventory(agentId: string, inventory: Inventory): void;
  /** Calls back whenever an update has ended. */
  onEnded(listener: () => void): void;
  /** Ends what a former process asked for and was not answered, and from then on what agents do not come back from. */
  start(): void;
  stop(): void;
}

export function createUpdates(deps: UpdatesDeps): Updates {
  const { audit, clock, db, events, registry } = deps;
  let tellEnded = () => {};
  let cancelTimer = () => {};
  /** Since when agents that are being replaced are away. */
  const away = new Map<string, number>();

  function lookForLost(): void {
    cancelTimer = clock.after(LOOK_MS, lookForLost);
    for (const row of openUpdates(db)) {
      if (row.state !== 'applying' || registry.isOnline(row.agentId)) away.delete(row.id);
      else if (!away.has(row.id)) away.set(row.id, clock.now());
      else if (clock.now() - (away.get(row.id) ?? 0) > AWAY_MS) end(row, notBack());
    }
  }
  function end(row: UpdateRow, failure?: Failure): void {
    const state = failure ? 'failed' : 'succeeded';
    const set = {
      state,
      failure: failure ? JSON.stringify(failure) : null,
      finishedAt: clock.now(),
    } as const;
    if (!changeUpdate(db, row.id, set)) return;
    const agent = findAgent(db, row.agentId);
    const about = { kind: 'agent', id: row.agentId, name: agent?.name ?? '' } as const;
    const { fromVersion: from, toVersion: to } = row;
    audit({
      actor: about,
      action: failure ? 'agent.update-failed' : 'agent.updated',
      target: about,
      details: { from, to, ...(failure ? { code: failure.code, message: failure.message } : {}) },
    });
    events.changed('agents', row.agentId);
    tellEnded();
  }

  async function ask(row: UpdateRow): Promise<void> {
    try {
      await registry.ask(row.agentId, 'update', { version: row.toVersion });
      if (changeUpdate(db, row.id, { state: 'applying' })) events.changed('agents', row.agentId);
    } catch (error) {
      end(row, toFailure(error));
    }
  }

  return {
    async begin(agentId, { actor, from }) {
      const agent = await requireUpdatable(deps, agentId);
      const { release } = agent;
      const { update } = JSON.parse(agent.row.inventory ?? '{}') as Partial<Inventory>;
      const row: UpdateRow = {
        id: randomUUID(),
        agentId,
        fromVersion: agent.row.version ?? '',
        toVersion: release.version,
        state: 'fetching',
        formerOutcomeAt: update?.last?.at ?? null,
        failure: null,
        requestedBy: actor.name ?? actor.kind,
        createdAt: clock.now(),
        finishedAt: null,
      };
      insertUpdate(db, row);
      audit({
        actor,
        action: 'agent.update',
        target: { kind: 'agent', id: agentId, name: agent.row.name },
        from,
        details: { from: row.fromVersion, to: row.toVersion },
      });
      events.changed('agents', agentId);
      void ask(row);
      return row;
    },
    onInventory(agentId, { update, version }) {
      const row = latestUpdate(db, agentId);
      if (!row || row.finishedAt !== null || !update) return;
      const { last, pending } = update;
      const told = last !== null && last.to === row.toVersion && last.at !== row.formerOutcomeAt;
      if (told) end(row, last.result === 'updated' ? undefined : (last.failure ?? unexplained()));
      // Whoever puts it in place is still at it; or it is up, and nobody has said that it will stay.
      else if (row.state === 'applying' && pending === null && version !== row.toVersion)
        end(row, forgotten());
    },
    onEnded(listener) {
      tellEnded = listener;
    },
    start() {
      for (const row of openUpdates(db)) if (row.state === 'fetching') end(row, interrupted());
      lookForLost();
    },
    stop: () => cancelTimer(),
  };
}

/** Why an agent cannot become what is served here, or both. @throws FailureError */
async function requireUpdatable(
  { db, registry, release }: UpdatesDeps,
  agentId: string,
): Promise<{ row: AgentRow; release: Release }> {
  const row = findAgent(db, agentId);
  if (!row) throw fail('not_found', 'There is no such agent.', 'It may be of another control plane.');
  if (!registry.isOnline(agentId)) throw agentOffline();
  requireAbility(row, 'update');
  const latest = latestUpdate(db, agentId);
  if (latest && latest.finishedAt === null) {
    throw fail('conflict', `The agent is being updated to ${latest.toVersion}.`, 'Wait for it to end.');
  }
  const served = await requireServed(release);
  if (!isNewer(served.version, row.version ?? '0.0.0')) {
    throw fail(
      'update_not_newer',
      `The agent runs version ${row.version}, and this control plane serves ${served.version}.`,
      'Build and sign a newer one. Downgrades are made on the host, with install.sh.',
    );
  }
  return { row, release: served };
}

/** The build that agents can be updated to. @throws FailureError why they cannot */
export async function requireServed(release: AgentRelease): Promise<Release> {
  const served = await lookAtServed(release);
  if (served instanceof FailureError) throw served;
  return served;
}

/** Why no agent can be updated from here; `undefined` where they can. */
export async function servedRefusal(release: AgentRelease): Promise<FailureError | undefined> {
  const served = await lookAtServed(release);
  return served instanceof FailureError ? served : undefined;
}

async function lookAtServed(release: AgentRelease): Promise<Release | FailureError> {
  const signed = await release.signed();
  if (!signed) return (await release.current()) ? notSigned() : notBuilt();
  const { max, min } = signed.release.protocol;
  if (negotiate(PROTOCOL, signed.release.protocol) !== undefined) return signed.release;
  return fail(
    'protocol_mismatch',
    `The built agent speaks protocol ${min}–${max}, this control plane ${PROTOCOL.min}–${PROTOCOL.max}.`,
    'Build the agent from this control plane’s own version.',
  );
}

function notBuilt(): FailureError {
  return fail(
    'update_not_possible',
    'This control plane has no built agent.',
    'Run “npm run build”, and sign what it makes: docs/updates.md.',
  );
}

function notSigned(): FailureError {
  return fail(
    'update_not_possible',
    'The agent that this control plane serves is not signed: it can be installed, but no agent takes it as an update.',
    'Sign it with your release key: docs/updates.md.',
  );
}

function unexplained(): Failure {
  return fail('internal', 'The agent did not say why.', 'Look into its log.').failure;
}

function forgotten(): Failure {
  const hint = 'Ask for it again.';
  return fail('update_not_possible', 'The agent was started anew before it could be updated.', hint).failure;
}

function notBack(): Failure {
  const message = 'The agent has not come back from being replaced.';
  return fail('agent_offline', message, 'Look at the service on its host: systemctl status homeport-agent')
    .failure;
}

function interrupted(): Failure {
  const message = 'The control plane was started anew while the agent fetched the build.';
  return fail('update_not_possible', message, 'Ask for it again.', { retryable: true }).failure;
}
