import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Navigate, useNavigate, useSearch } from '@tanstack/react-router';
import { queries } from '../api/queries.ts';
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
      <SignInForm
        act="Sign in"
        onDone={() => {
          client.clear();
          void navigate({ to: next ?? '/' });
        }}
      />
    </PublicFrame>
  );
}
