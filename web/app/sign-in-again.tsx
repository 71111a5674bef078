import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { onSignInNeeded } from '../api/fresh.ts';
import { passkeysPossible } from '../api/passkeys.ts';
import { queries } from '../api/queries.ts';
import { Dialog } from '../components/dialog.tsx';
import { ProviderAgain } from '../components/provider-button.tsx';
import { PasskeyButton, SignInForm } from '../components/sign-in-form.tsx';

/** Comes up where something needs a fresh sign-in; what was asked for then goes on by itself. */
export function SignInAgain() {
  const [answer, setAnswer] = useState<{ give: (done: boolean) => void }>();
  const me = useQuery(queries.me());
  const passkeys = useQuery({ ...queries.passkeys(), enabled: answer !== undefined });
  const identities = useQuery({ ...queries.identities(), enabled: answer !== undefined });
  useEffect(() => onSignInNeeded(() => new Promise((give) => setAnswer({ give }))), []);
  if (!answer || !me.data) return null;
  const hasPasskey = (passkeys.data?.length ?? 0) > 0;
  const end = (done: boolean) => {
    setAnswer(undefined);
    answer.give(done);
  };
  return (
    <Dialog title="Is it you?" onClose={() => end(false)}>
      <div className="grid gap-4">
        <p className="text-ink-2">
          You signed in a while ago, and what you are about to do cannot be taken back or opens a lot. Sign in
          once more; it goes on by itself.
        </p>
        {me.data.user.hasPassword ? (
          <SignInForm email={me.data.user.email} act="Go on" passkey={hasPasskey} onDone={() => end(true)} />
        ) : (
          hasPasskey && passkeysPossible() && <PasskeyButton onDone={() => end(true)} />
        )}
        {(identities.data?.length ?? 0) > 0 && (
          <ProviderAgain alone={!me.data.user.hasPassword && !hasPasskey} onDone={() => end(true)} />
        )}
      </div>
    </Dialog>
  );
}
