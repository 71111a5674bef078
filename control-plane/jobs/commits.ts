import type { Logger } from '../log.ts';

/**
 * Commits that the vault is at work on. Its last write cannot be called back, so what would end the job
 * meanwhile waits until it is known whether the snapshot exists: a job never fails beside its snapshot.
 */
export interface Commits {
  /** Does the work of a commit of this job; what came in for {@link Commits.after} follows before it resolves. */
  during<T>(jobId: string, work: () => Promise<T>): Promise<T>;
  atWork(jobId: string): boolean;
  /** Has something done once the job's commits are decided; a newer task of one name replaces the earlier. */
  after(jobId: string, name: 'ended' | 'cancelled' | 'orphaned', task: () => void): void;
}

interface Entry {
  count: number;
  tasks: Map<string, () => void>;
}

export function createCommits(log: Pick<Logger, 'error'>): Commits {
  const entries = new Map<string, Entry>();

  function leave(jobId: string, entry: Entry): void {
    entry.count -= 1;
    if (entry.count > 0) return;
    entries.delete(jobId);
    for (const task of entry.tasks.values()) {
      try {
        task();
      } catch (err) {
        // The commit itself is done; its request must not fail for this.
        log.error({ jobId, err }, 'what waited for a commit could not be done');
      }
    }
  }

  return {
    async during(jobId, work) {
      const entry = entries.get(jobId) ?? { count: 0, tasks: new Map() };
      entries.set(jobId, entry);
      entry.count += 1;
      try {
        return await work();
      } finally {
        leave(jobId, entry);
      }
    },
    atWork: (jobId) => entries.has(jobId),
    after(jobId, name, task) {
      const entry = entries.get(jobId);
      if (entry) entry.tasks.set(name, task);
      else task();
    },
  };
}
