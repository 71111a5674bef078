import { FailureError, fail } from '../../../protocol/failure.ts';

/** Whether a system call failed with one of these codes. */
export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** What a failed system call means to whoever asked for it. */
export function storeFailure(error: unknown): unknown {
  if (error instanceof FailureError || !(error instanceof Error) || !('syscall' in error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return fail(
      'disk_full',
      'The disk of the vault is full.',
      'Free space where the control plane keeps its vaults, or move them to a larger disk.',
      { cause: error },
    );
  return fail(
    'store_unavailable',
    `The vault’s store answers “${code}”.`,
    'Check that the disk of the vault is mounted, healthy and writable for the control plane.',
    { retryable: true, cause: error },
  );
}
