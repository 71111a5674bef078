import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useLocation, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import { Button, buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { Skeleton } from '../components/layout.tsx';
import { PublicFrame } from './public-frame.tsx';
import { ROLE_WORDS } from './role-words.ts';
import { SHORTEST_PASSWORD } from './setup.tsx';

/** Where invitations and recovery links lead. */
export function JoinPage() {
  // Behind the #: browsers do not send it, so it is in no server's or proxy's log.
  const token = useLocation({ select: ({ hash }) => hash });
  const link = useQuery({
    queryKey: ['link', token],
    queryFn: () => acts.lookAtLink(token),
    retry: false,
    // It is used up by the form; asking again would only say so.
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (link.isPending) {
    return (
      <PublicFrame title="Homeport">
        <Skeleton rows={2} />
      </PublicFrame>
    );
  }
  if (!link.data) {
    return (
      <PublicFrame title="This link does not work">
        <div className="grid gap-4">
          <ErrorCard error={link.error} />
          <Link to="/login" className={`${buttonClass()} w-full`}>
            Sign in
          </Link>
        </div>
      </PublicFrame>
    );
  }
  const { createdBy, role, user } = link.data;
  if (user) {
    return (
      <PublicFrame title={`Welcome back, ${user.name}`} lead={`Choose a new password for ${user.email}.`}>
        <JoinForm token={token} withName={false} act="Set password" />
      </PublicFrame>
    );
  }
  return (
    <PublicFrame
      title="Join Homeport"
      lead={`${createdBy} invites you. ${ROLE_WORDS[role].label}: ${ROLE_WORDS[role].help}`}
    >
      <JoinForm token={token} withName act="Create account" />
    </PublicFrame>
  );
}

function JoinForm({ act, token, withName }: { token: string; withName: boolean; act: string }) {
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const navigate = useNavigate();
  const client = useQueryClient();
  const join = useMutation({
    mutationFn: () => acts.acceptLink({ token, password, ...(withName ? { name, email } : {}) }),
    onSuccess: async () => {
      client.clear();
      await navigate({ to: '/' });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    join.mutate();
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
      <ErrorCard error={join.error} />
      <Button look="primary" type="submit" busy={join.isPending}>
        {act}
      </Button>
    </form>
  );
}
