import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Navigate, useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { queries } from '../api/queries.ts';
import { signIn } from '../api/session.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { PublicFrame } from './public-frame.tsx';

export function LoginPage() {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const { next } = useSearch({ from: '/login' });
  const navigate = useNavigate();
  const client = useQueryClient();
  const setup = useQuery(queries.setup());
  const login = useMutation({
    mutationFn: () => signIn(email, password),
    onSuccess: async () => {
      client.clear();
      await navigate({ to: next ?? '/' });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    login.mutate();
  };
  if (setup.data?.needed) return <Navigate to="/setup" />;
  return (
    <PublicFrame title="Sign in to Homeport">
      <form className="grid gap-4" onSubmit={submit}>
        <TextField
          label="E-mail address"
          type="email"
          autoComplete="username"
          required
          value={email}
          onChange={setEmail}
        />
        <TextField
          label="Password"
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={setPassword}
        />
        <ErrorCard error={login.error} />
        <Button look="primary" type="submit" busy={login.isPending}>
          Sign in
        </Button>
      </form>
    </PublicFrame>
  );
}
