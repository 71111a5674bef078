import { useQuery } from '@tanstack/react-query';
import { Link, useLocation } from '@tanstack/react-router';
import { acts } from '../api/acts.ts';
import { AccountForm } from '../components/account-form.tsx';
import { buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Skeleton } from '../components/layout.tsx';
import { ProviderButton, ProviderFailure } from '../components/provider-button.tsx';
import { PublicFrame } from './public-frame.tsx';
import { ROLE_WORDS } from './role-words.ts';

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
        <AccountForm
          act="Set password"
          withName={false}
          onAccount={({ password }) => acts.acceptLink({ token, password })}
        />
      </PublicFrame>
    );
  }
  return (
    <PublicFrame
      title="Join Homeport"
      lead={`${createdBy} invites you. ${ROLE_WORDS[role].label}: ${ROLE_WORDS[role].help}`}
    >
      <ProviderFailure />
      <AccountForm act="Create account" onAccount={(account) => acts.acceptLink({ token, ...account })} />
      <ProviderButton errand={{ for: 'join', token }} />
    </PublicFrame>
  );
}
