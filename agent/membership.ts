import { fingerprint } from '../protocol/enrolment.ts';
import { fail } from '../protocol/failure.ts';
import type { AgentConfig } from './config.ts';
import { keyNotAllowed } from './connection/enrol.ts';
import { type AgentIdentity, loadIdentity } from './identity.ts';
import { loadControlPlane, type PinnedControlPlane } from './state/control-plane.ts';

/** An agent's keys, and the control plane it belongs to. */
export interface Membership {
  identity: AgentIdentity;
  pinned: PinnedControlPlane;
}

/**
 * What enrolment left in the state directory.
 * @throws FailureError `agent_unknown` where there is nothing, `policy_denied` where the local policy names another key
 */
export async function loadMembership(
  config: Pick<AgentConfig, 'stateDir' | 'controlPlaneKey'>,
): Promise<Membership> {
  const identity = await loadIdentity(config.stateDir);
  const pinned = await loadControlPlane(config.stateDir);
  if (!identity || !pinned) {
    throw fail(
      'agent_unknown',
      `The agent of ${config.stateDir} is not enrolled.`,
      'Make a token with “Add agent” in the web UI, then run “homeport-agent enrol --url URL”.',
    );
  }
  const found = fingerprint(pinned.controlPlaneKey);
  if (config.controlPlaneKey !== undefined && config.controlPlaneKey !== found) throw keyNotAllowed(found);
  return { identity, pinned };
}
