import { fail } from '../../protocol/failure.ts';
import { bytes32Schema } from '../../protocol/handshake.ts';
import { readText } from '../state/durable.ts';

/**
 * The key that updates of this agent have to be signed with: pinned at install, and not to be changed by the user the
 * agent runs as. `undefined` where none was pinned: then it takes no update from its control plane.
 * @throws FailureError `invalid_input` for a file that holds something else
 */
export async function loadReleaseKey(file: string): Promise<string | undefined> {
  const text = await readText(file);
  if (text === undefined) return undefined;
  const parsed = bytes32Schema.safeParse(text.trim());
  if (parsed.success) return parsed.data;
  throw fail(
    'invalid_input',
    `${file} holds no release key.`,
    'Remove it, and run install.sh of the control plane again: it pins the key anew.',
  );
}
