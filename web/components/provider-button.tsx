import { useMutation, useQuery } from '@tanstack/react-query';
import { LogIn } from 'lucide-react';
import { useEffect, useState } from 'react';
import { ApiError } from '../api/client.ts';
import { goToProvider, onOutcome, openProvider } from '../api/provider.ts';
import { queries } from '../api/queries.ts';
import type { Failure } from '../api/types.ts';
import { Button } from './button.tsx';
import { ErrorCard } from './failure.tsx';

interface ProviderButtonProps {
  errand: Parameters<typeof goToProvider>[0];
}

/** Leads to the sign-in provider; absent where none is set up. */
export function ProviderButton({ errand }: ProviderButtonProps) {
  const signIn = useQuery(queries.signIn());
  const go = useMutation({ mutationFn: () => goToProvider(errand) });
  const provider = signIn.data?.provider;
  if (!provider) return null;
  return (
    <div className="mt-4 grid gap-3 border-t border-line pt-4">
      <Button busy={go.isPending} onClick={() => go.mutate()}>
        <LogIn aria-hidden size={16} />
        Continue with {provider.name}
      </Button>
      <ErrorCard error={go.error} />
    </div>
  );
}

interface ProviderAgainProps {
  /** Whether there is no other way to sign in once more. */
  alone: boolean;
  onDone: () => void;
}

/** Signs in once more at the provider, in a window of its own; absent where none is set up and another way is left. */
export function ProviderAgain({ alone, onDone }: ProviderAgainProps) {
  const signIn = useQuery(queries.signIn());
  const [refused, setRefused] = useState<Failure | null>(null);
  const open = useMutation({ mutationFn: openProvider, onMutate: () => setRefused(null) });
  useEffect(() => onOutcome(({ failure }) => (failure ? setRefused(failure) : onDone())), [onDone]);
  const provider = signIn.data?.provider;
  if (!provider) {
    return alone && signIn.data ? (
      <p>
        The provider you signed in with is not set up any more. An owner or admin can make you a recovery
        link, with which you choose a password.
      </p>
    ) : null;
  }
  return (
    <div className="grid gap-3">
      <Button busy={open.isPending} onClick={() => open.mutate()}>
        <LogIn aria-hidden size={16} />
        Continue with {provider.name}
      </Button>
      <p className="text-sm text-ink-2" aria-live="polite">
        {open.isSuccess && !refused && `Sign in at ${provider.name} in the window that opened.`}
      </p>
      <ErrorCard error={refused ? new ApiError(0, refused) : open.error} />
    </div>
  );
}

/** Why somebody came back from the provider in vain; nothing where they did not. */
export function ProviderFailure() {
  const failure = useQuery(queries.signIn()).data?.failure;
  if (!failure) return null;
  return (
    <div className="mb-4">
      <ErrorCard error={new ApiError(0, failure)} />
    </div>
  );
}
