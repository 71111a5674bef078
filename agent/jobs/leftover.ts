import { type Failure, toFailure } from '../../protocol/failure.ts';
import { type Clock, pause } from '../clock.ts';
import type { Leftover } from '../state/journal.ts';
import { restarted } from './outbox.ts';
import { type JobParts, openServer } from './parts.ts';

/** How long a server may take to come up beside us after a restart of the host, in milliseconds. */
const PATIENCE_MS = 2 * 60_000;
const BETWEEN_MS = 5_000;

/**
 * Drops what a restore left that was killed with its agent. Never rejects.
 * @returns the failure the restore ends with: it names the database where that had to stay
 */
export async function dropLeftover(
  parts: Pick<JobParts, 'driverFor' | 'servers'>,
  leftover: Leftover,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Failure> {
  const { database, oneTimeAccount, target } = leftover;
  const giveUpAt = clock.now() + PATIENCE_MS;
  for (;;) {
    try {
      return restarted('restore', await drop(parts, leftover, signal));
    } catch (error) {
      const { message, retryable } = toFailure(error);
      const goesOn = retryable && clock.now() < giveUpAt && (await waited(clock, signal));
      if (goesOn) continue;
      const owner = oneTimeAccount ? ' It belongs to the account that was given for this restore alone.' : '';
      const remedy = `Drop the database “${database}” by hand if it is there; it was to become “${target}”.${owner} It could not be dropped: ${message}`;
      return restarted('restore', remedy);
    }
  }
}

async function drop(
  parts: Pick<JobParts, 'driverFor' | 'servers'>,
  { database, serverId, target: name }: Leftover,
  signal: AbortSignal,
): Promise<string> {
  const { driver, target } = openServer(parts, await parts.servers.get(serverId));
  const context = { signal, log: () => undefined, phase: () => undefined };
  const present = await driver.listDatabases(target, context);
  if (!present.some((one) => one.name === database)) {
    return `Its database “${database}” is not on the server: it was not made yet, or has become “${name}” already. Look at “${name}” before you start the restore again.`;
  }
  await driver.dropScratch(target, database, context);
  return `The unfinished database “${database}” was dropped. Start the restore again.`;
}

async function waited(clock: Clock, signal: AbortSignal): Promise<boolean> {
  return pause(clock, BETWEEN_MS, signal).then(
    () => true,
    () => false,
  );
}
