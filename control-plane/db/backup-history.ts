import { and, asc, count, eq, gte, inArray, type SQL, sql } from 'drizzle-orm';
import type { JobState } from '../../protocol/job.ts';
import type { Db } from './open.ts';
import { jobs } from './schema/fleet.ts';

const HOUR = 3600_000;

/** Ends that say something of a database's protection; who cancels a backup knows of it. */
const TELLING = ['succeeded', 'failed', 'lost'] as const satisfies JobState[];

/** What the backups that ended within one hour came to. */
export interface BackupHour {
  /** Its beginning, in ms since the epoch. */
  hour: number;
  succeeded: number;
  failed: number;
}

export interface BackupHistoryFilter {
  /** Ended at this time or later, in ms since the epoch. */
  since: number;
  /** Of this database alone. */
  databaseId?: string;
  /** Of these agents; null: of all. */
  agentIds: readonly string[] | null;
}

/** Hours in which a backup ended, oldest first. By the hour, because days begin at other times for each reader. */
export function backupHistory(db: Db, { agentIds, databaseId, since }: BackupHistoryFilter): BackupHour[] {
  const hour: SQL<number> = sql`${jobs.finishedAt} - ${jobs.finishedAt} % ${HOUR}`;
  return db
    .select({
      hour,
      succeeded: sql<number>`sum(${jobs.state} = 'succeeded')`,
      failed: sql<number>`${count()} - sum(${jobs.state} = 'succeeded')`,
    })
    .from(jobs)
    .where(
      and(
        eq(jobs.kind, 'backup'),
        inArray(jobs.state, TELLING),
        gte(jobs.finishedAt, since),
        databaseId === undefined ? undefined : eq(jobs.databaseId, databaseId),
        agentIds === null ? undefined : inArray(jobs.agentId, [...agentIds]),
      ),
    )
    .groupBy(hour)
    .orderBy(asc(hour))
    .all();
}
