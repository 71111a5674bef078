import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ENGINES } from '../../../protocol/engines/registry.ts';
import { type Failure, FailureError } from '../../../protocol/failure.ts';
import { GUIDE_FILE, RECOVERY_FILE_MAX_BYTES, SCRIPT_FILE } from '../layout.ts';
import type { Store } from '../stores/store.ts';

/** The line of the shipped script that is filled in for a vault. */
const ENGINES_LINE = 'const ENGINES = {};\n';

/**
 * Puts `recover.mjs` and `RECOVERY.md` of this version into a vault, where they differ from what it has. A store
 * that takes no writes now (full, for example) still has the ones it had: that is no reason not to start.
 * @returns what kept them from being written
 */
export async function refreshRecoveryFiles({ store }: { store: Store }): Promise<Failure | undefined> {
  try {
    for (const [name, bytes] of await recoveryFiles()) {
      const same = (await store.size(name)) === bytes.length && (await store.read(name)).equals(bytes);
      if (!same) await store.put(name, [bytes], { maxBytes: RECOVERY_FILE_MAX_BYTES });
    }
    return undefined;
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
    throw error;
  }
}

/** The files a vault carries for the day when there is no Homeport, by name. */
export async function recoveryFiles(): Promise<[name: string, bytes: Buffer][]> {
  const [script, guide] = await Promise.all(
    ['recover.mjs', 'RECOVERY.md'].map((name) => readFile(join(import.meta.dirname, name), 'utf8')),
  );
  return [
    [SCRIPT_FILE, Buffer.from(fillIn(script!))],
    [GUIDE_FILE, Buffer.from(guide!)],
  ];
}

function fillIn(script: string): string {
  const known = Object.values(ENGINES).map(({ descriptor: { id, download } }) => {
    const { restoreCommand, stream } = download;
    return `  ${JSON.stringify(id)}: ${JSON.stringify({ stream, restoreCommand })},\n`;
  });
  if (!script.includes(ENGINES_LINE)) throw new Error('recover.mjs has no line for the engines.');
  return script.replace(ENGINES_LINE, () => `const ENGINES = {\n${known.join('')}};\n`);
}
