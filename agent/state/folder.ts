import { access, constants, mkdir } from 'node:fs/promises';
import { fail } from '../../protocol/failure.ts';

/**
 * Makes the state directory unless it is there, closed to others.
 * @throws FailureError `invalid_input` where this user may not write there
 */
export async function requireStateDir(stateDir: string): Promise<void> {
  try {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    await access(stateDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const uid = process.getuid?.();
    throw fail(
      'invalid_input',
      `The state directory ${stateDir} cannot be used by user ${uid}: ${(cause as Error).message}`,
      `Give it to that user, with all in it: chown -R ${uid}. For a container that is the directory of its host that is mounted there.`,
      { cause },
    );
  }
}
