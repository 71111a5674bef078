import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../protocol/failure.ts';
import { raiseBeacon, seesBeacon } from './beacon.ts';

const fileIn = (stateDir: string) => join(stateDir, 'run.lock');

/**
 * Makes this process the only one that runs jobs from a state directory; returns what gives it up. A lock left
 * by a process that is gone is taken over: its pid is free, or belongs to a process started at another time, and nobody
 * answers at its beacon, from another container for instance.
 * @throws FailureError `agent_duplicate`
 */
export async function lockState(stateDir: string): Promise<() => Promise<void>> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const path = fileIn(stateDir);
  const mine = `${process.pid} ${await startOf(process.pid)}`;
  for (let tries = 0; tries < 3; tries += 1) {
    if (await seesBeacon(stateDir)) break;
    try {
      await writeFile(path, mine, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if ((await liveHolder(path)) !== undefined) break;
      await rm(path, { force: true });
      continue;
    }
    const lower = await raiseBeacon(stateDir);
    return async () => {
      await lower();
      await rm(path, { force: true });
    };
  }
  throw fail(
    'agent_duplicate',
    `Another agent is running with the state directory ${stateDir}.`,
    'Stop it first, or give this one a directory of its own with --state; a container: a volume of its own.',
  );
}

/** Process id of the agent that runs from a state directory, or `undefined` where none does. */
export async function lockHolder(stateDir: string): Promise<number | undefined> {
  return liveHolder(fileIn(stateDir));
}

async function liveHolder(path: string): Promise<number | undefined> {
  const holder = await readFile(path, 'utf8').catch(() => ''); // not there, or given up in this moment
  const pid = Number(holder.split(' ')[0]);
  return pid > 0 && holder === `${pid} ${await startOf(pid)}` ? pid : undefined;
}

/** Start time of a process in clock ticks since boot, or `gone`. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // Field 22; the second field, in parentheses, may itself hold blanks.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'gone';
}
