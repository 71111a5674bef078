import { stat } from 'node:fs/promises';
import { openSecretRoom, runTool } from '../process.ts';

/** What programs print of their versions, by path; packages get upgraded while an agent runs, so a file's facts count. */
const known = new Map<string, { file: string; text: string }>();

/**
 * What the program at `path` prints when run with `args`; empty where it does not run here. A program is run again
 * only once its file has changed.
 */
export async function askVersion(
  path: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const facts = await stat(path).catch(() => undefined);
  if (!facts) return '';
  const file = [facts.dev, facts.ino, facts.size, facts.mtimeMs, facts.ctimeMs].join(' ');
  const before = known.get(path);
  if (before?.file === file) return before.text;
  await using room = await openSecretRoom({});
  const ran = await runTool({ file: path, args, room }, signal).catch(() => undefined);
  signal.throwIfAborted();
  const text = ran?.stdout ?? '';
  // One that failed may run the next time: only an answer is kept.
  if (ran?.exitCode === 0) known.set(path, { file, text });
  return text;
}
