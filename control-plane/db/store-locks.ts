import { and, eq, sql } from 'drizzle-orm';
import { below } from './below.ts';
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

    /** Name → until when it is locked, of every file below a folder. */
    below(place: string, folder: string): Map<string, number> {
      const rows = db
        .select({ name: storeLocks.name, until: storeLocks.until })
        .from(storeLocks)
        .where(and(eq(storeLocks.place, place), ...below(storeLocks.name, folder)))
        .all();
      return new Map(rows.map(({ name, until }) => [name, until]));
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
