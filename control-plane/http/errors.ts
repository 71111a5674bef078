import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { type Failure, fail, toFailure } from '../../protocol/failure.ts';
import type { Principal } from '../auth/principal.ts';
import type { AppDeps } from '../deps.ts';
import { replyFailure, statusOf } from './failures.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Refusals of acts; mere typing errors are not worth a line in the audit log. */
const AUDITED = new Set([403, 409, 422]);

/** What a defect's own words say, paths and queries among them, is for the log. */
const UNTOLD = fail(
  'internal',
  'Something went wrong inside Homeport.',
  'The control plane’s log says what, at this time. Please report it with the lines around it.',
).failure;

/** A failure as others may read it. */
export function toldOf(failure: Failure): Failure {
  return failure.code === 'internal' ? UNTOLD : failure;
}

/** Turns whatever a handler threw into `{ error: Failure }`; defects are logged, refused acts audited. */
export function errorHandler(deps: Pick<AppDeps, 'audit' | 'log'>) {
  return (error: Error, c: Context): Response => {
    const failure = failureOf(error);
    const { method, path } = c.req;
    const facts = { method, path, jobId: /\/jobs\/([0-9a-f-]{36})(?:\/|$)/.exec(path)?.[1] };
    if (failure.code === 'internal') deps.log.error({ ...facts, err: error }, 'a request failed');
    else deps.log.debug({ ...facts, code: failure.code }, failure.message);
    const principal = c.get('principal') as Principal | undefined;
    if (principal && !SAFE_METHODS.has(method) && AUDITED.has(statusOf(failure))) {
      const details = { method, path, code: failure.code };
      deps.audit({ actor: principal.actor, action: 'request.refused', from: c.get('from'), details });
    }
    return replyFailure(c, toldOf(failure));
  };
}

function failureOf(error: Error): Failure {
  const status =
    error instanceof HTTPException ? error.status : (error as { statusCode?: unknown }).statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return fail(
      'invalid_input',
      error.message || 'The request is malformed.',
      'Correct it and send it again.',
    ).failure;
  }
  return toFailure(error);
}
