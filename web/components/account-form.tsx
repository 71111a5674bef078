import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { Button } from './button.tsx';
import { ErrorCard } from './failure.tsx';
import { TextField } from './field.tsx';

/** Characters. */
export const SHORTEST_PASSWORD = 8;

interface AccountFormProps {
  act: string;
  /** False where only a password is chosen, for an account that is there. */
  withName?: boolean;
  /** Makes the account, and signs in to it. */
  onAccount: (account: { name: string; email: string; password: string }) => Promise<unknown>;
}

/** What somebody says of themselves who comes by a link; leads to the first page. */
export function AccountForm({ act, onAccount, withName = true }: AccountFormProps) {
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const navigate = useNavigate();
  const client = useQueryClient();
  const make = useMutation({
    mutationFn: () => onAccount({ name, email, password }),
    onSuccess: async () => {
      client.clear();
      await navigate({ to: '/' });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <form className="grid gap-4" onSubmit={submit}>
      {withName && (
        <>
          <TextField label="Name" autoComplete="name" required value={name} onChange={setName} />
          <TextField
            label="E-mail address"
            type="email"
            autoComplete="username"
            required
            value={email}
            onChange={setEmail}
          />
        </>
      )}
      <TextField
        label="Password"
        type="password"
        autoComplete="new-password"
        required
        minLength={SHORTEST_PASSWORD}
        help={`At least ${SHORTEST_PASSWORD} characters.`}
        value={password}
        onChange={setPassword}
      />
      <ErrorCard error={make.error} />
      <Button look="primary" type="submit" busy={make.isPending}>
        {act}
      </Button>
    </form>
  );
}
