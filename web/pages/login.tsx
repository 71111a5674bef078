import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Navigate, useNavigate, useSearch } from '@tanstack/react-router';
import { queries } from '../api/queries.ts';
import { ProviderButton, ProviderFailure } from '../components/provider-button.tsx';
import { SignInForm } from '../components/sign-in-form.tsx';
import { PublicFrame } from './public-frame.tsx';

export function LoginPage() {
  const { next } = useSearch({ from: '/login' });
  const navigate = useNavigate();
  const client = useQueryClient();
  const setup = useQuery(queries.setup());
  if (setup.data?.needed) return <Navigate to="/setup" />;
  return (
    <PublicFrame title="Sign in to Homeport">
      <ProviderFailure />
      <SignInForm
        act="Sign in"
        onDone={() => {
          client.clear();
          void navigate({ to: next ?? '/' });
        }}
      />
      <ProviderButton errand={{ for: 'sign-in', ...(next ? { next } : {}) }} />
    </PublicFrame>
  );
}
