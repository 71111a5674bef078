import { zValidator } from '@hono/zod-validator';
import type { ValidationTargets } from 'hono';
import type { z } from 'zod';
import { fail } from '../../protocol/failure.ts';

/** Parses one part of a request. @throws FailureError `invalid_input` naming the field */
export function validate<T extends z.ZodType, Target extends keyof ValidationTargets>(
  target: Target,
  schema: T,
) {
  return zValidator(target, schema, (result) => {
    if (!result.success) throw invalid(target, result.error.issues as z.core.$ZodIssue[]);
  });
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
