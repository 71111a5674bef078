import { failureOf } from './client.ts';

/** Asks whoever sits there to sign in once more; false where they would not. */
export type AskToSignIn = () => Promise<boolean>;

let ask: AskToSignIn | undefined;
let asking: Promise<boolean> | undefined;

/** The page says how people are asked. @returns takes it back */
export function onSignInNeeded(how: AskToSignIn): () => void {
  ask = how;
  return () => {
    if (ask === how) ask = undefined;
  };
}

/** Sends a request; where a fresh sign-in is asked for it goes out again after that: no page has to know. */
export async function onceFresh(send: () => Promise<Response>): Promise<Response> {
  const response = await send();
  if (response.status !== 403) return response;
  const { failure } = await failureOf(response.clone());
  if (failure.code !== 'reauthentication_required') return response;
  return (await signInOnceMore()) ? send() : response;
}

/** Once, however many requests need it at the same time. */
function signInOnceMore(): Promise<boolean> {
  asking ??= (ask?.() ?? Promise.resolve(false)).finally(() => {
    asking = undefined;
  });
  return asking;
}
