import { Hono } from 'hono';
import { compress } from 'hono/compress';
import type { PrincipalEnv } from '../auth/principal.ts';
import type { AppDeps } from '../deps.ts';
import { EXPOSITION_TYPE } from '../metrics/exposition.ts';
import { type MetricsDeps, metricsText } from '../metrics/metrics.ts';

/** What Prometheus reads. Of 10,000 databases it is 2 MB, of which 200 kB travel. */
export function metricsRoutes(deps: AppDeps & MetricsDeps) {
  return new Hono<PrincipalEnv>().get('/metrics', compress(), async (c) =>
    c.body(await metricsText(deps), 200, { 'content-type': EXPOSITION_TYPE }),
  );
}
