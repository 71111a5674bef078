import { asc, eq } from 'drizzle-orm';
import type { Assertion } from '../../protocol/drill.ts';
import type { Db } from './open.ts';
import { assertions } from './schema/drills.ts';

/** Of one database, in their order. */
export function assertionsOf(db: Db, databaseId: string): Assertion[] {
  return db
    .select({ name: assertions.name, query: assertions.query })
    .from(assertions)
    .where(eq(assertions.databaseId, databaseId))
    .orderBy(asc(assertions.position))
    .all();
}

/** In place of those that were. */
export function putAssertions(db: Db, databaseId: string, rows: readonly Assertion[]): void {
  db.transaction(() => {
    db.delete(assertions).where(eq(assertions.databaseId, databaseId)).run();
    for (const [position, row] of rows.entries())
      db.insert(assertions)
        .values({ databaseId, position, ...row })
        .run();
  });
}
