import { fail } from '../../../protocol/failure.ts';

const NAME = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

/** Whether a file of a vault may be called so: no driver needs to quote it, none leads out of the store. */
export function isName(name: string): boolean {
  return NAME.test(name);
}

/** @param reserved beginning that is the driver's own @throws FailureError `invalid_input` */
export function requireName(name: string, reserved?: string): void {
  if (isName(name) && (reserved === undefined || !name.startsWith(reserved))) return;
  throw fail('invalid_input', 'This cannot be the name of a file in a vault.', 'Use another name.');
}
