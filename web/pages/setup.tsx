import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useLocation, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import { Button, buttonClass } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { PublicFrame } from './public-frame.tsx';

/** Characters. */
export const SHORTEST_PASSWORD = 8;

export function SetupPage() {
  // Behind the #: browsers do not send it, so it is in no server's or proxy's log.
  const token = useLocation({ select: ({ hash }) => hash });
  const setup = useQuery(queries.setup());
  if (setup.data && !setup.data.needed) {
    return (
      <PublicFrame title="Homeport is set up" lead="It has an owner; this link is used up.">
        <Link to="/login" className={`${buttonClass('primary')} w-full`}>
          Sign in
        </Link>
      </PublicFrame>
    );
  }
  if (!token) return <MissingLink />;
  return (
    <PublicFrame title="Set up Homeport" lead="Create the owner’s account. This link works once.">
      <OwnerForm token={token} />
    </PublicFrame>
  );
}

function MissingLink() {
  return (
    <PublicFrame title="Set up Homeport" lead="This control plane has no owner yet.">
      <div className="grid gap-3">
        <p>
          Open the set-up link that the control plane printed in its log when it started. On its host, this
          prints a fresh one:
        </p>
        <CodeBlock text="npx homeport setup-link" label="Command that prints a set-up link" />
      </div>
    </PublicFrame>
  );
}

function OwnerForm({ token }: { token: string }) {
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const navigate = useNavigate();
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: () => acts.setUp({ token, name, email, password }),
    onSuccess: async () => {
      client.clear();
      await navigate({ to: '/' });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form className="grid gap-4" onSubmit={submit}>
      <TextField label="Name" autoComplete="name" required value={name} onChange={setName} />
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
        autoComplete="new-password"
        required
        minLength={SHORTEST_PASSWORD}
        help={`At least ${SHORTEST_PASSWORD} characters.`}
        value={password}
        onChange={setPassword}
      />
      <ErrorCard error={create.error} />
      <Button look="primary" type="submit" busy={create.isPending}>
        Create account
      </Button>
    </form>
  );
}
