import { and, desc, eq, gt, lt, max } from 'drizzle-orm';
import type { Db } from './open.ts';
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

/** Newest first; `before` is the id of the last one seen. */
export function listAudit(db: Db, page: { limit: number; before?: number | undefined }): AuditRow[] {
  return db
    .select()
    .from(auditLog)
    .where(page.before === undefined ? undefined : lt(auditLog.id, page.before))
    .orderBy(desc(auditLog.id))
    .limit(page.limit)
    .all();
}
