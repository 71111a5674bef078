import { ApiError, failureOf, unreachable } from './client.ts';
import { onceFresh } from './fresh.ts';
import type { Failure } from './types.ts';

/** What somebody goes to the sign-in provider for. */
type Errand =
  | { for: 'sign-in'; next?: string }
  | { for: 'join'; token: string }
  | { for: 'connect' }
  | { for: 'again' };

/** Leaves this page for the provider, which sends people back to one of ours. @throws ApiError where it cannot be asked */
export async function goToProvider(errand: Errand): Promise<void> {
  window.location.assign(await begin(errand));
}

async function begin(errand: Errand): Promise<string> {
  const send = () =>
    fetch('/api/auth/oidc/begin', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(errand),
    }).catch(unreachable);
  const response = await onceFresh(send);
  if (!response.ok) throw await failureOf(response);
  return ((await response.json()) as { url: string }).url;
}

/**
 * Opens the provider in a window of its own, so that this page and what was begun on it stay.
 * @throws ApiError where the browser opens none, or the provider cannot be asked
 */
export async function openProvider(): Promise<void> {
  // At once: a browser opens windows only in answer to a click.
  const opened = window.open('', 'homeport-sign-in', 'popup,width=560,height=760');
  if (!opened) {
    throw new ApiError(0, {
      code: 'sign_in_refused',
      message: 'The browser did not open a window.',
      hint: 'Allow windows of this address, then try again.',
      retryable: true,
    });
  }
  try {
    opened.location.replace(await begin({ for: 'again' }));
  } catch (error) {
    opened.close();
    throw error;
  }
}

const CHANNEL = 'homeport-sign-in';

/** What the other window found out; null: it was you. */
export interface Outcome {
  failure: Failure | null;
}

/** Tells the page that opened this window. Not by its handle, which the way over another site has cut off. */
export function tellOpener(outcome: Outcome): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(outcome);
  channel.close();
}

/** @returns takes it back */
export function onOutcome(hear: (outcome: Outcome) => void): () => void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }: MessageEvent<Outcome>) => hear(data);
  return () => channel.close();
}
