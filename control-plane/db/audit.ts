import { and, desc, eq, gt, gte, lt, max, or, sql } from 'drizzle-orm';
import type { Db } from './open.ts';
import { contains, literal } from './pages.ts';
import { auditLog } from './schema/fleet.ts';

export type AuditRow = typeof auditLog.$inferSelect;

export function appendAudit(db: Db, entry: Omit<AuditRow, 'id'>): AuditRow {
  return db.insert(auditLog).values(entry).returning().get();
}

/** Entries that {@link auditedLately} looks through. */
const LATELY = 200;

/**
 * Whether the newest entries tell of this act by this actor: what an agent may do as often as it likes must not
 * fill a log that nothing is ever taken out of.
 */
export function auditedLately(db: Db, action: string, actorId: string): boolean {
  const newest =
    db
      .select({ id: max(auditLog.id) })
      .from(auditLog)
      .get()?.id ?? 0;
  const same = and(eq(auditLog.action, action), eq(auditLog.actorId, actorId));
  const where = and(gt(auditLog.id, newest - LATELY), same);
  return db.select({ id: auditLog.id }).from(auditLog).where(where).limit(1).get() !== undefined;
}

export interface AuditFilter {
  /** What acts are about, e.g. `user`: the part of their name before the dot. */
  kind?: string | undefined;
  /** Looked for in the names of who did it and to what, and in the act’s own. */
  q?: string | undefined;
  /** Milliseconds since the epoch; the first included, the second not. */
  since?: number | undefined;
  until?: number | undefined;
}

/** Newest first; `before` is the id of the last one seen. */
export function listAudit(
  db: Db,
  { before, kind, limit, q, since, until }: AuditFilter & { limit: number; before?: number | undefined },
): AuditRow[] {
  const { action, actorName, at, id, targetName } = auditLog;
  const where = and(
    before === undefined ? undefined : lt(id, before),
    kind === undefined ? undefined : sql`${action} LIKE ${`${literal(kind)}.%`} ESCAPE '\\'`,
    q === undefined ? undefined : or(...[actorName, targetName, action].map((name) => contains(name, q))),
    since === undefined ? undefined : gte(at, since),
    until === undefined ? undefined : lt(at, until),
  );
  return db.select().from(auditLog).where(where).orderBy(desc(id)).limit(limit).all();
}
