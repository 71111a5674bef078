import { z } from 'zod';
import { failureSchema } from './failure.ts';
import { bytes32Schema } from './handshake.ts';
import { versionSchema } from './release.ts';

/** What became of an update on the agent's host, by whoever puts builds in place there. */
export const updateOutcomeSchema = z.object({
  from: versionSchema,
  to: versionSchema,
  at: z.iso.datetime(),
  /** `refused`: nothing was changed; `rolled-back`: the former build is in place again. */
  result: z.enum(['updated', 'refused', 'rolled-back']),
  /** Why it was not updated. */
  failure: failureSchema.optional(),
});
export type UpdateOutcome = z.infer<typeof updateOutcomeSchema>;

/** What an agent says about updates of itself. */
export const updateStandingSchema = z.object({
  /** Whether something on its host can put a new build in place. */
  possible: z.boolean(),
  /** The release key pinned on its host. */
  key: bytes32Schema.nullable(),
  /** Version that is about to be put in place or on trial. */
  pending: versionSchema.nullable(),
  /** The last one that came to an end. */
  last: updateOutcomeSchema.nullable(),
});
export type UpdateStanding = z.infer<typeof updateStandingSchema>;
