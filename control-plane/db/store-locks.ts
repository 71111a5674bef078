import { and, eq, sql } from 'drizzle-orm';
import type { Db } from './open.ts';
import { storeLocks } from './schema/vault.ts';

/** How a file is locked, and until when, in milliseconds since the epoch. */
export interface FileLock {
  mode: 'governance' | 'compliance';
  until: number;
}

/** Until when files of stores are locked. Statements are prepared once: a commit asks for thousands of files. */
export function storeLockQueries(db: Db) {
  const here = and(
    eq(storeLocks.place, sql.placeholder('place')),
    eq(storeLocks.name, sql.placeholder('name')),
  );
  const one = db
    .select({ mode: storeLocks.mode, until: storeLocks.until })
    .from(storeLocks)
    .where(here)
    .prepare();
  return {
    of(place: string, name: string): FileLock | undefined {
      return one.get({ place, name });
    },

    note(place: string, name: string, lock: FileLock): void {
      db.insert(storeLocks)
        .values({ place, name, ...lock })
        .onConflictDoUpdate({ target: [storeLocks.place, storeLocks.name], set: lock })
        .run();
    },

    /** Without a name: all of the place. */
    forget(place: string, name?: string): void {
      const file = name === undefined ? [] : [eq(storeLocks.name, name)];
      db.delete(storeLocks)
        .where(and(eq(storeLocks.place, place), ...file))
        .run();
    },
  };
}

export type StoreLockQueries = ReturnType<typeof storeLockQueries>;
