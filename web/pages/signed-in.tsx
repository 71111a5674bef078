import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { tellOpener } from '../api/provider.ts';
import { queries } from '../api/queries.ts';
import { ProviderFailure } from '../components/provider-button.tsx';
import { PublicFrame } from './public-frame.tsx';

/** Where the window ends up in which somebody signed in once more. */
export function SignedInPage() {
  const { data } = useQuery(queries.signIn());
  useEffect(() => {
    if (!data) return;
    tellOpener({ failure: data.failure });
    // Not every browser lets a window that was at another site close itself; then it says so.
    if (!data.failure) window.close();
  }, [data]);
  if (!data) return null;
  const title = data.failure ? 'You are not signed in' : 'You are signed in';
  return (
    <PublicFrame title={title}>
      <ProviderFailure />
      <p className="text-ink-2">You can close this window; the page you came from goes on.</p>
    </PublicFrame>
  );
}
