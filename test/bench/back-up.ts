import type { JobResult } from '../../protocol/job.ts';
import type { Api } from '../support/api.ts';
import type { ApiJob } from '../support/api-shapes.ts';
import { eventually } from '../support/eventually.ts';

export type BackupFigures = Extract<JobResult, { kind: 'backup' }>;

/** A dump of gigabytes on a busy machine takes longer than any test may. */
const LIMIT_MS = 30 * 60_000;

/** Backs a database up by the API; rejects unless the job succeeds. */
export async function backUp(api: Api, databaseId: string): Promise<BackupFigures> {
  const { id } = await api.post<ApiJob>(`/databases/${databaseId}/backup`);
  const job = await ended(api, id);
  if (job.result?.kind !== 'backup')
    throw new Error(`job ${id} ${job.state}: ${JSON.stringify(job.failure)}`);
  return job.result;
}

/** Waits for a job's end, whatever it is. */
export function ended(api: Api, id: string): Promise<ApiJob> {
  const over = async () => {
    const job = await api.get<ApiJob>(`/jobs/${id}`);
    return ['succeeded', 'failed', 'cancelled', 'lost'].includes(job.state) && job;
  };
  return eventually(`job ${id} ends`, over, LIMIT_MS);
}
