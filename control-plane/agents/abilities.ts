import { fail } from '../../protocol/failure.ts';
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
