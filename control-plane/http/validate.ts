import { zValidator } from '@hono/zod-validator';
import type { ValidationTargets } from 'hono';
import { bodyLimit } from 'hono/body-limit';
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

/** Bounds a request's body. @param maxSize bytes */
export function limitBody(maxSize: number) {
  return bodyLimit({
    maxSize,
    onError: () => {
      throw fail(
        'message_too_large',
        `The body is larger than the ${maxSize} bytes accepted here.`,
        'Send less at a time.',
      );
    },
  });
}
