import { collectDefaultMetrics, Registry } from 'prom-client';

/** Gauges that are named like counters; the same by type is in `nodejs_active_handles` and its kin. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

let registry: Registry | undefined;

/**
 * What prom-client tells of this process: processor time, memory, open files, event loop, garbage collection. One for
 * the process, however many ask: it watches from the first asking on.
 */
export function processMetrics(): Promise<string> {
  if (!registry) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
  }
  return registry.metrics();
}
