import { readdir, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** How long processes have to end by themselves, and then by force, in milliseconds. */
const GRACE_MS = 5_000;
const BETWEEN_MS = 50;

/**
 * Ends all processes that work in a directory or below it, whoever started them: a server's own children leave its
 * process group, and a killed agent knows no children any more. SIGQUIT first, which databases take as leave to stop
 * without saving anything.
 * @throws Error where some could not be ended
 */
export async function endProcessesIn(directory: string): Promise<void> {
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    const giveUpAt = performance.now() + GRACE_MS;
    const told = new Set<number>();
    for (;;) {
      const found = await processesIn(directory);
      if (found.length === 0) return;
      if (performance.now() > giveUpAt) break;
      // One that has just been started is told, too.
      for (const pid of found.filter((one) => !told.has(one))) tell(pid, signal);
      for (const pid of found) told.add(pid);
      await delay(BETWEEN_MS);
    }
  }
  throw new Error(`Processes in ${directory} could not be ended.`);
}

/** Processes that work in a directory or below it, as far as this user may look. Linux only. */
export async function processesIn(directory: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const found = await Promise.all(
    pids.map(async (pid) => {
      // Gone meanwhile, a kernel's own, or somebody else's.
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      return cwd === directory || cwd.startsWith(`${directory}/`) ? [pid] : [];
    }),
  );
  return found.flat();
}

function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
