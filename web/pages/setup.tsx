import { useQuery } from '@tanstack/react-query';
import { Link, useLocation } from '@tanstack/react-router';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import { AccountForm } from '../components/account-form.tsx';
import { buttonClass } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { PublicFrame } from './public-frame.tsx';

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
      <AccountForm act="Create account" onAccount={(account) => acts.setUp({ token, ...account })} />
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
