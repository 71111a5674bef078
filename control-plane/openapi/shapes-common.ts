import { z } from 'zod';
import { failureSchema } from '../../protocol/failure.ts';

/** Shapes that stand under a name of their own in the document. */
export const NAMES = z.registry<{ id: string }>();

/** Gives a shape its name in the document. */
export function named<T extends z.ZodType>(id: string, schema: T): T {
  NAMES.add(schema, { id });
  return schema;
}

export const uuid = z.uuid();
/** ISO 8601 in UTC. */
export const time = z.iso.datetime();
export const timeOrNull = time.nullable();
export const bytes = z.number().int().nonnegative();
export const count = z.number().int().nonnegative();

export const failure = named('Failure', failureSchema);
/** A thing by its id, with the name people know it by. */
export const reference = z.object({ id: uuid, name: z.string() });
/** What is gone. */
export const gone = z.object({ id: z.string() });
export const agentState = z.enum(['online', 'offline', 'revoked']);

/** The one shape of every refusal. */
export const refusal = named('Refusal', z.object({ error: failure }));
