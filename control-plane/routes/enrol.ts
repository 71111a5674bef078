import { Hono } from 'hono';
import { z } from 'zod';
import { enrolHelloSchema } from '../../protocol/enrolment.ts';
import type { AppDeps } from '../deps.ts';
import type { RequestEnv } from '../http/env.ts';
import { limitBody } from '../http/limit-body.ts';
import { validate } from '../http/validate.ts';

/** An enrolment has some 3 KiB; each stranger's may cost a key agreement for every 100 bytes. */
const MAX_BODY_BYTES = 16 * 1024;

/** What an agent says before it has an identity here, to be mounted at `/agent/v1`. */
export function enrolRoutes({ enrolment }: Pick<AppDeps, 'enrolment'>) {
  return new Hono<RequestEnv>()
    .use('/enrol/*', limitBody(MAX_BODY_BYTES))
    .use('/enrol', limitBody(MAX_BODY_BYTES))
    .post('/enrol/hello', validate('json', enrolHelloSchema), (c) =>
      c.json(enrolment.hello(c.req.valid('json'))),
    )
    .post('/enrol', validate('json', z.object({ sealed: z.base64().max(MAX_BODY_BYTES) })), async (c) => {
      const sealed = Buffer.from(c.req.valid('json').sealed, 'base64');
      return c.json(await enrolment.enrol(sealed, c.get('from')));
    });
}
