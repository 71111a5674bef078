import { z } from 'zod';

/** What this program reads of updates; the rest is passed on, as in `shapes.ts`. */
const text = z.string();
const maybe = text.nullable();
const failure = z.looseObject({ code: text, message: text, hint: text });
export const updateShape = z.looseObject({
  id: text,
  agentId: text,
  fromVersion: text,
  toVersion: text,
  state: z.enum(['fetching', 'applying', 'succeeded', 'failed']),
  failure: failure.nullable(),
  finishedAt: maybe,
});
export type Update = z.infer<typeof updateShape>;
export const rolloutShape = z.looseObject({
  id: text,
  version: text,
  state: z.enum(['running', 'succeeded', 'stopped']),
  batches: z.array(z.array(z.looseObject({ agentId: text, name: text, state: text }))),
  failure: failure.nullable(),
});
export type Rollout = z.infer<typeof rolloutShape>;
export const updatesShape = z.looseObject({
  served: z.looseObject({ version: text, key: maybe }).nullable(),
  failure: failure.nullable(),
  agents: z.array(
    z.looseObject({
      agentId: text,
      name: text,
      state: z.enum(['online', 'offline', 'revoked']),
      version: maybe,
      available: maybe,
      update: updateShape.nullable(),
    }),
  ),
  /** Absent from control planes before rollouts. */
  rollout: rolloutShape.nullable().optional(),
});

export type Updates = z.infer<typeof updatesShape>;
