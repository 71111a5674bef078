import { stat } from 'node:fs/promises';
import { fail } from '../protocol/failure.ts';

/** Node has this; its types lack it. */
type WithGroups = typeof process & { initgroups?(user: number, group: number): void };

/**
 * Started by root on a state directory that another user's agent works with, this process goes on as that user:
 * what it writes there must be theirs, and root's rights are needed for nothing.
 * @throws FailureError `invalid_input` where it may not become that user
 */
export async function actAsOwner(stateDir: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const owner = await stat(stateDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined; // a new one will be root's own
    throw error;
  });
  if (!owner || owner.uid === 0) return;
  try {
    (process as WithGroups).initgroups?.(owner.uid, owner.gid);
    process.setgid?.(owner.gid);
    process.setuid?.(owner.uid);
  } catch (cause) {
    throw fail(
      'invalid_input',
      `${stateDir} belongs to user ${owner.uid}, and this process may not become that user.`,
      'Run this command as that user.',
      { cause },
    );
  }
}
