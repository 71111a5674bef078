import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import type { AppDeps } from '../deps.ts';
import { exposition, type Family } from './exposition.ts';
import { agentFamilies, databaseFamilies, vaultFamilies } from './fleet.ts';
import { jobFamilies } from './jobs.ts';
import { processMetrics } from './process.ts';

export type MetricsDeps = Pick<AppDeps, 'clock' | 'db' | 'registry'>;

/** All that is measured, in Prometheus’ text format. */
export async function metricsText({ clock, db, registry }: MetricsDeps): Promise<string> {
  const now = clock.now();
  const ours = exposition([
    buildInfo(),
    ...databaseFamilies(db, now),
    ...jobFamilies(db, now),
    ...agentFamilies(db, registry),
    ...vaultFamilies(db),
  ]);
  return ours + (await processMetrics());
}

function buildInfo(): Family {
  const labels = { version: HOMEPORT_VERSION, node: process.versions.node };
  return {
    name: 'homeport_build_info',
    type: 'gauge',
    help: 'Always 1; what runs is in the labels.',
    samples: [{ labels, value: 1 }],
  };
}
