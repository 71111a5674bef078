import { and, asc, count, eq, gt, isNotNull, or, type SQL, sql } from 'drizzle-orm';
import { DATABASE_LISTED, type DatabaseListing } from './databases.ts';
import type { Db } from './open.ts';
import { among, contains, type Page, type PageWish, ROWS, wordsOf } from './pages.ts';
import { drillVerdicts } from './schema/drills.ts';
import { agents, databaseFacts, databases, servers } from './schema/fleet.ts';

/** How it stands with a database, by the first of these that is so. */
export const CONDITIONS = [
  'not-protected',
  'first-backup-failed',
  'no-backup',
  'awaits-credentials',
  'last-backup-failed',
  'drill-failed',
  'agent-revoked',
  'server-removed',
  'good',
] as const;
export type Condition = (typeof CONDITIONS)[number];

// Few servers are out of the ordinary: they are looked up once, not with each database.
const onAwaiting = sql`${databases.serverId} in
  (select s."id" from ${servers} s where s."awaitsCredentialsSince" is not null)`;
const onRemoved = sql`${databases.serverId} in (select s."id" from ${servers} s where s."removedAt" is not null)`;
const ofRevoked = sql`${databases.serverId} in (select s."id" from ${servers} s
  where s."agentId" in (select a."id" from ${agents} a where a."revokedAt" is not null))`;
const onFailedDrill = sql`${databases.id} in
  (select v."databaseId" from ${drillVerdicts} v where v."outcome" = 'failed')`;
const failed = sql`${databaseFacts.backupState} in ('failed', 'lost')`;
const condition = sql<Condition>`case
  when ${databases.protectedAt} is null then 'not-protected'
  when coalesce(${databaseFacts.snapshots}, 0) = 0 and ${failed} then 'first-backup-failed'
  when coalesce(${databaseFacts.snapshots}, 0) = 0 then 'no-backup'
  when ${onAwaiting} and not ${ofRevoked} then 'awaits-credentials'
  when ${failed} then 'last-backup-failed'
  when ${onFailedDrill} then 'drill-failed'
  when ${ofRevoked} then 'agent-revoked'
  when ${onRemoved} then 'server-removed'
  else 'good' end`;

/** A database with how it stands. */
export interface JudgedDatabase extends DatabaseListing {
  condition: Condition;
  since: number;
  snapshotCount: number;
  /** Its newest backup. */
  backupJobId: string | null;
}

export interface DatabaseFilter {
  /** Looked for in its name, its server's and its agent's; or its id. */
  q?: string | undefined;
  serverId?: string | undefined;
  conditions?: readonly Condition[] | undefined;
  /** Of these agents; null: of all. */
  agentIds: readonly string[] | null;
}

export type DatabaseOrder = 'name' | 'urgency';

/** Those that are protected or have snapshots. What is told of servers and agents is looked up once for all of them. */
function whereOf({ agentIds, conditions, q, serverId }: DatabaseFilter): SQL | undefined {
  return and(
    or(isNotNull(databases.protectedAt), gt(databaseFacts.snapshots, 0)),
    q?.trim() ? or(and(...wordsOf(q).map(named)), eq(databases.id, q.trim())) : undefined,
    serverId === undefined ? undefined : eq(databases.serverId, serverId),
    conditions === undefined ? undefined : among(condition, conditions),
    agentIds === null ? undefined : ofAgents(agentIds),
  );
}

/** Whether a word is in the name of a database, of its server or of its agent. */
function named(word: string): SQL {
  return sql`(${contains(databases.name, word)} or ${databases.serverId} in (select s."id" from ${servers} s
    join ${agents} a on a."id" = s."agentId" where ${contains(sql`s."name" || char(10) || a."name"`, word)}))`;
}

function ofAgents(agentIds: readonly string[]): SQL {
  return sql`${databases.serverId} in (select s."id" from ${servers} s where ${among(sql`s."agentId"`, agentIds)})`;
}

const FACTS = eq(databaseFacts.databaseId, databases.id);
const BY_NAME = [asc(databases.name), asc(databases.id)];
/** What needs a person most comes first; of the same urgency by name. */
const URGENCY = sql`case ${condition} when 'good' then 2 when 'not-protected' then 1 else 0 end`;

export function pageOfDatabases(
  db: Db,
  filter: DatabaseFilter,
  wish: PageWish & { order: DatabaseOrder },
): Page<JudgedDatabase> {
  const counted = db.select(ROWS).from(databases).leftJoin(databaseFacts, FACTS).where(whereOf(filter));
  const total = counted.get()?.n ?? 0;
  return { rows: someDatabases(db, filter, wish), total };
}

/** The rows of a page, without counting what is on the others. */
export function someDatabases(
  db: Db,
  filter: DatabaseFilter,
  { limit, offset, order }: PageWish & { order: DatabaseOrder },
): JudgedDatabase[] {
  const ids = db
    .select({ id: databases.id })
    .from(databases)
    .leftJoin(databaseFacts, FACTS)
    .where(whereOf(filter))
    .orderBy(...(order === 'name' ? BY_NAME : [URGENCY, ...BY_NAME]))
    .limit(limit)
    .offset(offset)
    .all()
    .map(({ id }) => id);
  const places = new Map(ids.map((id, place) => [id, place]));
  return judgedDatabases(db, ids).sort((a, b) => (places.get(a.id) ?? 0) - (places.get(b.id) ?? 0));
}

/** How many databases of a filter stand how. */
export function countByCondition(db: Db, filter: DatabaseFilter): Map<Condition, number> {
  const rows = db
    .select({ condition, n: count() })
    .from(databases)
    .leftJoin(databaseFacts, FACTS)
    .where(whereOf(filter))
    .groupBy(condition)
    .all();
  return new Map(rows.map(({ condition, n }) => [condition, n]));
}

/** By their ids. */
export function judgedDatabases(db: Db, ids: readonly string[]): JudgedDatabase[] {
  const told = {
    ...DATABASE_LISTED,
    condition,
    finishedAt: databaseFacts.backupFinishedAt,
    snapshots: databaseFacts.snapshots,
    backupJobId: databaseFacts.backupJobId,
    drilledAt: drillVerdicts.finishedAt,
  };
  return db
    .select(told)
    .from(databases)
    .innerJoin(servers, eq(servers.id, databases.serverId))
    .innerJoin(agents, eq(agents.id, servers.agentId))
    .leftJoin(databaseFacts, FACTS)
    .leftJoin(drillVerdicts, eq(drillVerdicts.databaseId, databases.id))
    .where(among(databases.id, ids))
    .all()
    .map(({ drilledAt, finishedAt, snapshots, ...row }) => ({
      ...row,
      since: sinceOf(row, { finishedAt, drilledAt }),
      snapshotCount: snapshots ?? 0,
    }));
}

/** Since when it stands so, in ms since the epoch. */
function sinceOf(
  row: DatabaseListing & { condition: Condition },
  { drilledAt, finishedAt }: { finishedAt: number | null; drilledAt: number | null },
): number {
  const at = {
    'not-protected': row.createdAt,
    'awaits-credentials': row.serverAwaitsSince,
    'agent-revoked': row.agentRevokedAt,
    'server-removed': row.serverRemovedAt,
    'first-backup-failed': finishedAt,
    'no-backup': finishedAt,
    'last-backup-failed': finishedAt,
    'drill-failed': drilledAt,
    good: finishedAt,
  }[row.condition];
  return at ?? row.createdAt;
}

/** What the snapshots of databases add up to, bytes; of these agents, or of all, those of unknown databases included. */
export function snapshotTotals(db: Db, agentIds: readonly string[] | null, databaseId?: string) {
  const sum = (column: typeof databaseFacts.snapshots) => sql<number>`coalesce(sum(${column}), 0)`;
  const facts = db
    .select({
      snapshots: sum(databaseFacts.snapshots),
      rawBytes: sql<number>`coalesce(sum(${databaseFacts.rawBytes}), 0)`,
      storedBytes: sql<number>`coalesce(sum(${databaseFacts.storedBytes}), 0)`,
    })
    .from(databaseFacts)
    .$dynamic();
  const only = databaseId === undefined ? undefined : eq(databaseFacts.databaseId, databaseId);
  if (agentIds === null) return facts.where(only).get()!;
  return facts
    .innerJoin(databases, eq(databases.id, databaseFacts.databaseId))
    .innerJoin(servers, eq(servers.id, databases.serverId))
    .where(and(only, among(servers.agentId, agentIds)))
    .get()!;
}
