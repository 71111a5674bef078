import { fail } from '../../protocol/failure.ts';
import type { JobKind } from '../../protocol/job.ts';
import type { Inventory, RequestKind } from '../../protocol/messages.ts';

/**
 * Refuses a question that the agent's build does not know, by what it said of itself: an agent from before such
 * questions would only say that it did not understand something, and not what.
 * @param agent its inventory is JSON; null before its first connection
 * @throws FailureError `unknown_message`
 */
export function requireAbility(
  agent: { version: string | null; inventory: string | null },
  kind: RequestKind,
): void {
  if (agent.inventory === null) return;
  const { requests = [] } = JSON.parse(agent.inventory) as Inventory;
  if (requests.includes(kind)) return;
  throw fail(
    'unknown_message',
    `This agent (version ${agent.version ?? 'unknown'}) is older than the question “${kind}”.`,
    'Update the agent on its host and start it again.',
  );
}

/**
 * Refuses a kind of job that the agent's build does not know. Before its first connection nothing is known of it: then
 * it is asked again when the job is offered.
 * @throws FailureError `unknown_message`
 */
export function requireJobs(
  agent: { name: string; version: string | null; inventory: string | null } | undefined,
  kind: JobKind,
): void {
  if (!agent || agent.inventory === null) return;
  const { jobs = ['backup', 'restore'] } = JSON.parse(agent.inventory) as Inventory;
  if (jobs.includes(kind)) return;
  throw fail(
    'unknown_message',
    `The agent “${agent.name}” (version ${agent.version ?? 'unknown'}) is older than ${kind}s.`,
    'Update the agent.',
  );
}
