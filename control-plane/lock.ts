import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { fail } from '../protocol/failure.ts';

/**
 * Takes the data directory for this process. The lock is the kernel's, on a small SQLite file, so it ends with
 * the process however that ends.
 * @returns gives it back
 * @throws FailureError `conflict` where another process holds it, `invalid_input` where this user may not write there
 */
export function lockDataDirectory(dataDir: string): () => void {
  requireWritable(dataDir);
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

/** Makes the directory unless it is there. */
function requireWritable(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const uid = process.getuid?.();
    throw fail(
      'invalid_input',
      `The data directory ${dataDir} cannot be used by user ${uid}: ${(cause as Error).message}`,
      `Give it to that user, with all in it: chown -R ${uid}. For a container that is the directory of its host that is mounted there.`,
      { cause },
    );
  }
}
