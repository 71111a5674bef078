import { fail } from '../../../protocol/failure.ts';

const NAME = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

/** Whether a file of a vault may be called so: no driver needs to quote it, none leads out of the store. */
export function isName(name: string): boolean {
  return NAME.test(name);
}

/** What the test of a place writes is called so, in whatever folder. */
export const TEST_FILE = 'homeport-test-';

/** Whether a file is one that a test of the place has written, and is about to remove. */
export function isTestFile(name: string): boolean {
  return name.slice(name.lastIndexOf('/') + 1).startsWith(TEST_FILE);
}

/** @param reserved beginning that is the driver's own @throws FailureError `invalid_input` */
export function requireName(name: string, reserved?: string): void {
  if (isName(name) && (reserved === undefined || !name.startsWith(reserved))) return;
  throw fail('invalid_input', 'This cannot be the name of a file in a vault.', 'Use another name.');
}
