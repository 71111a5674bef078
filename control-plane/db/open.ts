import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import * as auth from './schema/auth.ts';
import * as drills from './schema/drills.ts';
import * as fleet from './schema/fleet.ts';
import * as policies from './schema/policies.ts';
import * as retention from './schema/retention.ts';
import * as rollouts from './schema/rollouts.ts';
import * as totals from './schema/totals.ts';
import * as updates from './schema/updates.ts';
import * as vault from './schema/vault.ts';

export const schema = {
  ...auth,
  ...drills,
  ...fleet,
  ...policies,
  ...retention,
  ...rollouts,
  ...totals,
  ...updates,
  ...vault,
};

/** The control plane's database; `$client` is the better-sqlite3 handle beneath it. */
export type Db = BetterSQLite3Database<typeof schema> & { $client: Database.Database };

/** Name of the database file inside the data directory. */
export const DATABASE_FILE = 'homeport.sqlite';

/** Most that is kept in memory of the file: what lists of ten thousand databases are read from fits. */
const CACHE_KIB = 64 * 1024;

/**
 * Opens (creating where needed) the database and brings its tables up to date.
 * A full WAL sync per commit: an outcome that was acknowledged to an agent must survive a power cut.
 * @param file path of the database, or `:memory:`
 */
export function openDb(file: string): Db {
  if (file !== ':memory:') makePrivate(file);
  const sqlite = new Database(file);
  sqlite.pragma('journal_mode = WAL');
  sqlite.pragma('synchronous = FULL');
  sqlite.pragma('foreign_keys = ON');
  sqlite.pragma('busy_timeout = 5000');
  sqlite.pragma(`cache_size = -${CACHE_KIB}`);
  const db = drizzle(sqlite, { schema });
  migrate(db, { migrationsFolder: join(import.meta.dirname, 'migrations') });
  return db;
}

/** Hashes of passwords are in it: nobody else on the host reads it, whatever the directory allows. */
function makePrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  // SQLite gives its -wal and -shm the mode of the file itself, once it makes them anew.
  for (const path of [file, `${file}-wal`, `${file}-shm`]) {
    try {
      chmodSync(path, 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** Folds the WAL back into the file and closes it. */
export function closeDb(db: Db): void {
  db.$client.pragma('wal_checkpoint(TRUNCATE)');
  db.$client.close();
}
