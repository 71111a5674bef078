import { zValidator } from '@hono/zod-validator';
import type { ValidationTargets } from 'hono';
import type { z } from 'zod';
import { fail } from '../../protocol/failure.ts';

/** What a handler of a route parses: the document of the API is made from it. */
export interface Validation {
  target: keyof ValidationTargets;
  schema: z.ZodType;
}

const VALIDATIONS = new WeakMap<object, Validation>();

/** What this handler parses, if it is one that {@link validate} made. */
export function validationOf(handler: object): Validation | undefined {
  return VALIDATIONS.get(handler);
}

/** Parses one part of a request. @throws FailureError `invalid_input` naming the field */
export function validate<T extends z.ZodType, Target extends keyof ValidationTargets>(
  target: Target,
  schema: T,
) {
  const handler = zValidator(target, schema, (result) => {
    if (!result.success) throw invalid(target, result.error.issues as z.core.$ZodIssue[]);
  });
  VALIDATIONS.set(handler, { target, schema });
  return handler;
}

function invalid(target: string, issues: z.core.$ZodIssue[]) {
  const issue = issues[0];
  const field = issue?.path.join('.') || (target === 'json' ? 'the body' : target);
  return fail(
    'invalid_input',
    `${field}: ${issue?.message ?? 'is not valid'}.`,
    `Correct ${field} and send it again.`,
  );
}
