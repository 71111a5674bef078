import type { JobResult } from '../../protocol/job.ts';
import type { Api } from '../support/api.ts';
import type { ApiJob } from '../support/api-shapes.ts';

export type BackupFigures = Extract<JobResult, { kind: 'backup' }>;

/** Backs a database up by the API; rejects unless the job succeeds. */
export async function backUp(api: Api, databaseId: string): Promise<BackupFigures> {
  const { id } = await api.post<ApiJob>(`/databases/${databaseId}/backup`);
  const job = await ended(api, id);
  if (job.result?.kind !== 'backup')
    throw new Error(`job ${id} ${job.state}: ${JSON.stringify(job.failure)}`);
  return job.result;
}

/** Waits for a job's end, whatever it is, by the events that pages follow: to ask again and again would take processor time. */
export async function ended(api: Api, id: string): Promise<ApiJob> {
  const { body } = await api.fetch('/events');
  const decoder = new TextDecoder();
  for await (const bytes of body!) {
    const part = decoder.decode(bytes);
    // The stream's first words come before the job can have changed unseen.
    if (!part.includes('connected') && !part.includes('"jobs"')) continue;
    const job = await api.get<ApiJob>(`/jobs/${id}`);
    if (['succeeded', 'failed', 'cancelled', 'lost'].includes(job.state)) return job;
  }
  throw new Error(`the events ended before job ${id} did`);
}
