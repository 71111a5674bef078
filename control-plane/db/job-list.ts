import { and, desc, eq, lt, type SQL } from 'drizzle-orm';
import type { JobState } from '../../protocol/job.ts';
import { type JobListing, jobListings } from './jobs.ts';
import type { Db } from './open.ts';
import { alsoAmong, among, type Page, type PageWish, ROWS } from './pages.ts';
import { jobs } from './schema/fleet.ts';

export interface JobFilter {
  states?: readonly JobState[] | undefined;
  databaseId?: string | undefined;
  /** Of these agents; null: of all. */
  agentIds: readonly string[] | null;
  /** Created before this time. */
  before?: number | undefined;
}

/** So many jobs are sorted faster than they are found among all by going through them in order. */
const FEW = 5000;

/** Newest first. */
export function pageOfJobs(db: Db, filter: JobFilter, wish: PageWish): Page<JobListing> {
  const total = db.select(ROWS).from(jobs).where(whereOf(filter, among)).get()?.n ?? 0;
  return { rows: someJobs(db, filter, { ...wish, many: total > FEW }), total };
}

/** The rows of a page, without counting the others; `many`: whether these are likely to be. Newest first. */
export function someJobs(
  db: Db,
  filter: JobFilter,
  { limit, many, offset }: PageWish & { many: boolean },
): JobListing[] {
  const ids = db
    .select({ id: jobs.id })
    .from(jobs)
    .where(whereOf(filter, many ? alsoAmong : among))
    .orderBy(desc(jobs.createdAt), desc(jobs.id))
    .limit(limit)
    .offset(offset)
    .all();
  return jobListings(
    db,
    ids.map(({ id }) => id),
  );
}

function whereOf(
  { agentIds, before, databaseId, states }: JobFilter,
  within: typeof alsoAmong,
): SQL | undefined {
  return and(
    states === undefined ? undefined : within(jobs.state, states),
    databaseId === undefined ? undefined : eq(jobs.databaseId, databaseId),
    agentIds === null ? undefined : within(jobs.agentId, agentIds),
    before === undefined ? undefined : lt(jobs.createdAt, before),
  );
}
