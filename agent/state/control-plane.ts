import { join } from 'node:path';
import { z } from 'zod';
import { predecessorSchema } from '../../protocol/enrolment.ts';
import { bytes32Schema } from '../../protocol/handshake.ts';
import { readState, writeDurable } from './durable.ts';

const pinnedSchema = z.object({
  v: z.literal(1),
  /** Origin of the control plane, e.g. `https://backups.example.org`. */
  url: z.url(),
  controlPlaneId: z.uuid(),
  /** Its Ed25519 public key, pinned at enrolment: raw, base64url. */
  controlPlaneKey: bytes32Schema,
  agentId: z.uuid(),
  name: z.string(),
  /** The agent whose place this one took, as it was then. */
  succeeds: predecessorSchema
    .extend({
      /** Nothing that it stored is to be reused. */
      anew: z.boolean().optional(),
    })
    .optional(),
});
/** The one control plane this agent belongs to. */
export type PinnedControlPlane = z.infer<typeof pinnedSchema>;

const fileIn = (stateDir: string) => join(stateDir, 'control-plane.json');

/** What enrolment pinned, or `undefined` for an agent that is not enrolled. */
export function loadControlPlane(stateDir: string): Promise<PinnedControlPlane | undefined> {
  return readState(fileIn(stateDir), pinnedSchema);
}

export async function saveControlPlane(stateDir: string, pinned: PinnedControlPlane): Promise<void> {
  await writeDurable(fileIn(stateDir), `${JSON.stringify(pinned, null, 2)}\n`);
}
