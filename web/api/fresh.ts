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

/** Once, however many requests need it at the same time. */
export function signInOnceMore(): Promise<boolean> {
  asking ??= (ask?.() ?? Promise.resolve(false)).finally(() => {
    asking = undefined;
  });
  return asking;
}
