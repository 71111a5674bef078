import { FailureError } from '../../protocol/failure.ts';
import { checkHandshake } from '../connection/check.ts';
import type { Route } from '../connection/proxy.ts';
import type { Membership } from '../membership.ts';
import { lockHolder } from '../state/lock.ts';
import { type Finding, failedWith, ok, trouble } from './check.ts';

/** Whether this agent belongs to a control plane, by what is on disk. */
export function membershipFinding({ identity, pinned }: Membership): Finding {
  return ok(`With ${pinned.url}, as agent ${pinned.agentId}. Fingerprint: ${identity.fingerprint}`);
}

/** Whether the control plane proves to be the pinned one, and knows this agent. */
export async function handshakeFinding(
  membership: Membership,
  { route, stateDir }: { route: Route; stateDir: string },
  signal: AbortSignal,
): Promise<Finding> {
  try {
    const { connected } = await checkHandshake({ ...membership, proxy: route.proxy }, signal);
    const here = (await lockHolder(stateDir)) !== undefined;
    const proven = 'It holds the pinned key and knows this agent';
    if (connected && !here) return elsewhere(connected);
    if (connected)
      return ok(`${proven}, which is connected from ${connected.from} since ${connected.since}.`);
    if (!here) return ok(`${proven}, which is not connected.`);
    return trouble('warning', `${proven}, which runs but is not connected.`, {
      fix: 'After a break it tries again within a minute. If it stays so, read its log.',
    });
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    // What a control plane says that is older than this question.
    return error.failure.code === 'invalid_input' ? tooOld() : failedWith(error.failure);
  }
}

function elsewhere({ from, since }: { from: string; since: string }): Finding {
  const seen = `An agent with this identity is connected from ${from} since ${since}, but none runs with this state directory, as far as can be seen from here.`;
  return {
    ...trouble('warning', seen, {
      fix: 'If that is this host (an agent in a container, or of another user), all is well. If this host was cloned, remove the clone’s state directory and enrol it as an agent of its own.',
    }),
    code: 'agent_duplicate',
  };
}

function tooOld(): Finding {
  return trouble('warning', 'The control plane is older than this question, so that it was not answered.', {
    fix: 'Update the control plane. Whether the agent is connected is on its page.',
  });
}
