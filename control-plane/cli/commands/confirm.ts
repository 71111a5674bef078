import { fail } from '../../../protocol/failure.ts';
import { shellWord } from '../../../protocol/shell.ts';
import { remark } from '../say.ts';
import { ask } from '../secrets.ts';

/** Whether somebody is there to answer a question. */
export function someoneIsThere(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/**
 * What replaces or ends something is begun only by those who name it, with `--confirm` or on a terminal.
 * @param effect what it does, in one sentence
 * @throws FailureError `invalid_input`
 */
export async function confirmName(
  { name, what }: { name: string; what: 'agent' | 'database' | 'policy' | 'vault' },
  effect: string,
  given: string | undefined,
): Promise<void> {
  if (given === undefined && !someoneIsThere())
    throw fail(
      'invalid_input',
      `${effect} That has to be confirmed.`,
      `Add --confirm ${shellWord(name)}; nothing else will do for it.`,
    );
  if (given === undefined) remark(effect);
  const typed = given ?? (await ask(`Type the ${what}’s name to go on: `));
  if (typed === name) return;
  throw fail('invalid_input', `“${typed}” is not “${name}”.`, 'Nothing was changed. Name it exactly.');
}
