import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import { changePassword } from '../api/session.ts';
import type { Session } from '../api/types.ts';
import { SHORTEST_PASSWORD } from '../components/account-form.tsx';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { Card, Facts, Page, Skeleton } from '../components/layout.tsx';
import { ProviderFailure } from '../components/provider-button.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { IdentitiesCard } from './identities.tsx';
import { PasskeysCard } from './passkeys.tsx';
import { ROLE_WORDS, SCOPE_WORDS } from './role-words.ts';
import { TwoFactorCard } from './two-factor.tsx';

export function AccountPage() {
  const me = useQuery(queries.me());
  if (!me.data) {
    return (
      <Page title="Your account">
        <Skeleton />
      </Page>
    );
  }
  const { rights, user } = me.data;
  return (
    <Page title="Your account">
      <Card title={user.name}>
        <Facts
          items={[
            ['E-mail address', user.email],
            ['Role', ROLE_WORDS[user.role].label],
            ['Sees', user.labels ? `Agents with ${user.labels.join(' or ')}` : 'The whole fleet'],
            [
              'May',
              user.role === 'owner' ? 'Do everything' : rights.map((right) => SCOPE_WORDS[right]).join(' · '),
            ],
          ]}
        />
      </Card>
      <ProviderFailure />
      {user.hasPassword && <TwoFactorCard on={user.twoFactor} />}
      <IdentitiesCard />
      <PasskeysCard />
      {user.hasPassword ? <PasswordCard /> : <NoPasswordCard />}
      <SessionsCard />
    </Page>
  );
}

function NoPasswordCard() {
  return (
    <Card title="Password">
      <p className="text-ink-2">
        You have none, and sign in with a connected account or a passkey. If you want one, an owner or admin
        makes you a recovery link: whoever opens it chooses a password, which is then the only way in until
        you connect again.
      </p>
    </Card>
  );
}

function PasswordCard() {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: () => changePassword(current, next),
    onSuccess: () => {
      setCurrent('');
      setNext('');
      return client.invalidateQueries({ queryKey: ['sessions'] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <Card title="Password">
      <form className="grid max-w-md gap-4" onSubmit={submit}>
        <TextField
          label="Password you have now"
          type="password"
          autoComplete="current-password"
          required
          value={current}
          onChange={setCurrent}
        />
        <TextField
          label="New password"
          type="password"
          autoComplete="new-password"
          required
          minLength={SHORTEST_PASSWORD}
          help={`At least ${SHORTEST_PASSWORD} characters. You are signed out everywhere else.`}
          value={next}
          onChange={setNext}
        />
        <ErrorCard error={change.error} />
        <div className="flex flex-wrap items-center gap-3" aria-live="polite">
          <Button type="submit" busy={change.isPending}>
            Change password
          </Button>
          {change.isSuccess && <span className="text-ok">Changed.</span>}
        </div>
      </form>
    </Card>
  );
}

function SessionsCard() {
  const sessions = useQuery(queries.sessions());
  const client = useQueryClient();
  const again = () => client.invalidateQueries({ queryKey: ['sessions'] });
  const end = useMutation({ mutationFn: acts.endSession, onSuccess: again });
  const endOthers = useMutation({ mutationFn: acts.endOtherSessions, onSuccess: again });
  const others = sessions.data?.filter(({ current }) => !current) ?? [];
  return (
    <Card
      title="Where you are signed in"
      actions={
        others.length > 0 && (
          <Button size="small" busy={endOthers.isPending} onClick={() => endOthers.mutate()}>
            Sign out everywhere else
          </Button>
        )
      }
      flush
    >
      <ErrorCard error={sessions.error ?? end.error ?? endOthers.error} />
      {sessions.isPending && <Skeleton rows={1} />}
      {sessions.data && (
        <Table
          label="Sessions"
          rows={sessions.data}
          rowKey={({ id }) => id}
          columns={[
            {
              header: 'Browser',
              cell: (session) => (
                <RowTitle note={session.from}>
                  {browserText(session)}
                  {session.current && <span className="text-ink-3"> (this one)</span>}
                </RowTitle>
              ),
            },
            { header: 'Signed in', cell: ({ signedInAt }) => <Time iso={signedInAt} /> },
            {
              header: 'Actions',
              align: 'end',
              cell: (session) =>
                !session.current && (
                  <Button
                    size="small"
                    busy={end.isPending && end.variables === session.id}
                    onClick={() => end.mutate(session.id)}
                  >
                    Sign out<span className="sr-only"> of {browserText(session)}</span>
                  </Button>
                ),
            },
          ]}
        />
      )}
    </Card>
  );
}

/** `Firefox on Linux`, as far as the browser’s own words tell. */
function browserText({ userAgent }: Session): string {
  const text = userAgent ?? '';
  const browser = ['Edg', 'OPR', 'Firefox', 'Chrome', 'Safari'].find((name) => text.includes(`${name}/`));
  const system = ['Windows', 'Android', 'iPhone', 'iPad', 'Mac OS', 'Linux'].find((name) =>
    text.includes(name),
  );
  const names: Record<string, string> = { Edg: 'Edge', OPR: 'Opera', 'Mac OS': 'macOS' };
  const known = [browser, system].flatMap((name) => (name ? [names[name] ?? name] : []));
  return known.join(' on ') || 'A program';
}
