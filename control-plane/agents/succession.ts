import type { EnrolRequest, Predecessor } from '../../protocol/enrolment.ts';
import { type FailureError, fail } from '../../protocol/failure.ts';
import { shellQuoted } from '../../protocol/shell.ts';
import { type AgentRow, findAgent, revokeAgent, successorOf } from '../db/agents.ts';
import type { EnrolmentTokenRow } from '../db/enrolment-tokens.ts';
import type { Db } from '../db/open.ts';
import { countWaiting, moveServers } from '../db/servers.ts';
import type { Registry } from './registry.ts';

interface SuccessionDeps {
  db: Db;
  registry: Pick<Registry, 'isOnline'>;
}

/**
 * Whose place the bearer of a token takes; undefined where it adds an agent. Token and host have to say the same:
 * neither a token that adds an agent nor one that fell into the wrong terminal cuts anybody off.
 * @throws FailureError `enrolment_token_invalid` | `conflict`
 */
export function predecessorFor(
  { db, registry }: SuccessionDeps,
  token: Pick<EnrolmentTokenRow, 'successorOf' | 'cutsOff'>,
  { succeeds }: Pick<EnrolRequest, 'succeeds'>,
): AgentRow | undefined {
  if (token.successorOf === null) {
    if (succeeds === undefined) return undefined;
    throw refusals.addsOnly(succeeds);
  }
  const predecessor = findAgent(db, token.successorOf);
  if (!predecessor) throw refusals.unknown();
  const { id, name } = predecessor;
  if (succeeds === undefined) throw refusals.unsaid(name);
  if (succeeds !== name && succeeds !== id) throw refusals.another(name, succeeds);
  requireReplaceable(db, predecessor);
  // It may have come back since the token was made.
  if (registry.isOnline(id) && !token.cutsOff) throw refusals.connected(name);
  return predecessor;
}

/** An agent is replaced once; then its place is its successor's. @throws FailureError `conflict` */
export function requireReplaceable(db: Db, { id, name }: Pick<AgentRow, 'id' | 'name'>): void {
  const successor = successorOf(db, id);
  if (!successor) return;
  throw fail(
    'conflict',
    `“${name}” was replaced already, on ${day(successor.createdAt)}.`,
    `Replace the agent that took its place, “${successor.name}” (${successor.id}), if that one is lost as well.`,
  );
}

/**
 * Gives an agent's place to another one, inside the caller's transaction: its servers, and with them databases,
 * snapshots, selections and switches. Its own membership ends.
 */
export function takePlace(db: Db, change: { of: string; by: string; now: number }): void {
  moveServers(db, change);
  revokeAgent(db, change.of, change.now);
}

/** What a successor is told of whom it succeeds. */
export function describePredecessor(db: Db, { id, predecessorId }: AgentRow): Predecessor | undefined {
  const predecessor = predecessorId === null ? undefined : findAgent(db, predecessorId);
  return predecessor && { id: predecessor.id, name: predecessor.name, waiting: countWaiting(db, id) };
}

/** The refusal of an agent whose place another one has taken. */
export function agentReplaced(successor: Pick<AgentRow, 'name' | 'createdAt'>): FailureError {
  return fail(
    'agent_revoked',
    `This agent was replaced by “${successor.name}” on ${day(successor.createdAt)}; its servers and their backups are that agent’s now.`,
    'Stop it here. If this host is to be backed up as well, remove the state directory and enrol it as a new agent.',
  );
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

const refusals = {
  addsOnly: (succeeds: string) =>
    fail(
      'enrolment_token_invalid',
      `This token adds an agent; it does not put one in the place of “${succeeds}”.`,
      'Make the token with “Replace” on the page of the agent that is lost, or leave out --successor-of.',
    ),
  unknown: () =>
    fail(
      'enrolment_token_invalid',
      'The agent that this token is to replace is not known here.',
      'Make a new token with “Add agent”.',
    ),
  unsaid: (name: string) =>
    fail(
      'conflict',
      `This token puts the agent in the place of “${name}”, which is then cut off for good. Nothing was changed.`,
      `If that is meant, say so: homeport-agent enrol … --successor-of ${shellQuoted(name)}`,
    ),
  another: (name: string, succeeds: string) =>
    fail(
      'conflict',
      `This token is for the place of “${name}”, not of “${succeeds}”. Nothing was changed.`,
      'Copy the whole command that was shown with the token.',
    ),
  connected: (name: string) =>
    fail(
      'conflict',
      `“${name}” is connected, so nobody takes its place. Nothing was changed.`,
      'Stop it first. Or make a new token with “Replace”: while the agent is online, that asks whether to cut it off.',
    ),
};
