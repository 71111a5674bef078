import { ApiError } from './client.ts';
import { onceFresh } from './fresh.ts';
import type { Failure } from './types.ts';

/** A POST below `/api/auth`. @throws ApiError with `words` where it is refused */
export async function post<T>(path: string, body: unknown, words: Partial<Failure> = {}): Promise<T> {
  const send = () =>
    fetch(`/api/auth${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const response = await onceFresh(send);
  if (!response.ok) throw new ApiError(response.status, refusal(response.status, words));
  return response.json();
}

function refusal(status: number, words: Partial<Failure>): Failure {
  if (status === 429) {
    return {
      code: 'unauthorized',
      message: 'Too many attempts.',
      hint: 'Wait a minute, then try again.',
      retryable: true,
    };
  }
  if (status >= 500) {
    return {
      code: 'internal',
      message: `The control plane answered ${status}.`,
      hint: 'Look at its log for the reason, then try again.',
      retryable: true,
    };
  }
  return {
    code: 'unauthorized',
    message: 'This was refused.',
    hint: 'Try again.',
    retryable: false,
    ...words,
  };
}

const WRONG_PASSWORD = { message: 'The password is wrong.', hint: 'Type the one you sign in with.' };

/** Signs in with a session cookie. @returns whether a code is asked for first. @throws ApiError with words for the form */
export async function signIn(email: string, password: string): Promise<{ asksForCode: boolean }> {
  const answer = await post<{ twoFactorRedirect?: boolean }>(
    '/sign-in/email',
    { email, password },
    {
      message: 'E-mail address or password is wrong.',
      hint: 'Check both and try again. An owner or admin can make you a recovery link.',
    },
  );
  return { asksForCode: answer.twoFactorRedirect === true };
}

/** The second step of signing in, or of turning the second factor on. */
export async function verifyCode(code: string, kind: 'app' | 'backup'): Promise<void> {
  const path = kind === 'app' ? '/two-factor/verify-totp' : '/two-factor/verify-backup-code';
  await post(
    path,
    { code: code.replaceAll(/\s/g, '') },
    {
      message: 'This code is wrong, or too old.',
      hint: 'Type the one the app shows now; the clock of the device has to be right.',
    },
  );
}

/** What an authenticator app needs, and the codes for the day it is lost; on once a code was verified. */
export function beginTwoFactor(password: string): Promise<{ totpURI: string; backupCodes: string[] }> {
  return post('/two-factor/enable', { password }, WRONG_PASSWORD);
}

export async function endTwoFactor(password: string): Promise<void> {
  await post('/two-factor/disable', { password }, WRONG_PASSWORD);
}

export function newBackupCodes(password: string): Promise<{ backupCodes: string[] }> {
  return post('/two-factor/generate-backup-codes', { password }, WRONG_PASSWORD);
}

/** Sessions elsewhere end with it. */
export async function changePassword(currentPassword: string, newPassword: string): Promise<void> {
  await post(
    '/change-password',
    { currentPassword, newPassword, revokeOtherSessions: true },
    { message: 'The password was not changed.', hint: 'Check the one you have now.' },
  );
}

/** Ends the session; the page is loaded anew so that nothing of it stays in memory. */
export async function signOut(): Promise<void> {
  await post('/sign-out', {});
  window.location.assign('/login');
}
