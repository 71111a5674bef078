import { statfs } from 'node:fs/promises';
import { fail } from '../../protocol/failure.ts';

/** Left free for everything else on the file system, in bytes. */
const RESERVE = 512 * 1024 * 1024;
/** What a restored database takes, as a multiple of its dump: rows, indexes, the log of the one transaction. */
const GROWTH = 2;
const LOOK_MS = 2_000;

/** @throws FailureError `disk_full` where a dump of so many bytes cannot be restored below `directory` */
export async function requireSpace(directory: string, dumpBytes: number): Promise<void> {
  const needed = dumpBytes * GROWTH + RESERVE;
  const free = await freeBytes(directory);
  if (free < needed) throw full(directory, `needs about ${gib(needed)} there; ${gib(free)} are free`);
}

/** Looks again and again, and calls `onFull` once when the reserve is touched. @returns what ends that */
export function watchSpace(directory: string, onFull: (reason: Error) => void): () => void {
  const timer = setInterval(async () => {
    const free = await freeBytes(directory).catch(() => Number.POSITIVE_INFINITY);
    if (free >= RESERVE / 2) return;
    clearInterval(timer);
    onFull(full(directory, 'was stopped before it could fill the disk'));
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

function full(directory: string, what: string) {
  return fail(
    'disk_full',
    `There is too little room in ${directory}: the drill ${what}.`,
    'Free some space there, or name a directory on a larger disk as “drill_directory” in the agent’s configuration file.',
  );
}

const gib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
