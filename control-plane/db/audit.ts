import { desc, lt } from 'drizzle-orm';
import type { Db } from './open.ts';
import { auditLog } from './schema/fleet.ts';

export type AuditRow = typeof auditLog.$inferSelect;

export function appendAudit(db: Db, entry: Omit<AuditRow, 'id'>): AuditRow {
  return db.insert(auditLog).values(entry).returning().get();
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
