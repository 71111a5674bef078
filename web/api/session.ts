import { ApiError } from './client.ts';
import type { Failure } from './types.ts';

async function post(path: string, body: unknown): Promise<Response> {
  return fetch(`/api/auth${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

function refusal(status: number): Failure {
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
    message: 'E-mail address or password is wrong.',
    hint: 'Check both and try again. The address is the one given when Homeport was set up.',
    retryable: false,
  };
}

/** Signs in with a session cookie. @throws ApiError with words for the form */
export async function signIn(email: string, password: string): Promise<void> {
  const response = await post('/sign-in/email', { email, password });
  if (!response.ok) throw new ApiError(response.status, refusal(response.status));
}

/** Ends the session; the page is loaded anew so that nothing of it stays in memory. */
export async function signOut(): Promise<void> {
  await post('/sign-out', {});
  window.location.assign('/login');
}
