import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { fail } from '../protocol/failure.ts';

/**
 * Takes the data directory for this process. The lock is the kernel's, on a small SQLite file, so it ends with
 * the process however that ends.
 * @returns gives it back
 * @throws FailureError `conflict` where another process holds it
 */
export function lockDataDirectory(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = new Database(join(dataDir, 'lock.sqlite'), { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE; COMMIT');
  } catch (cause) {
    lock.close();
    throw fail(
      'conflict',
      `Another Homeport process is using ${dataDir}.`,
      'Stop it first: two control planes on one data directory would damage it.',
      { cause },
    );
  }
  return () => {
    lock.close();
  };
}
