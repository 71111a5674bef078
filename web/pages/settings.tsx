import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import { Button, buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Empty, Facts, Page, Skeleton } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { ApiKeysCard } from './api-keys.tsx';
import { RecoveryKitsCard } from './recovery-kit.tsx';
import { SelfBackupCard } from './self-backup.tsx';
import { SignInProviderCard } from './sign-in-provider.tsx';

export function SettingsPage() {
  return (
    <Page title="Settings">
      <ApiKeysCard />
      <May to="own">
        <SignInProviderCard />
      </May>
      <May to={['configure', 'fleet']}>
        <EnrolmentTokensCard />
      </May>
      <May to="own">
        <SelfBackupCard />
        <RecoveryKitsCard />
      </May>
      <AboutCard />
    </Page>
  );
}

function EnrolmentTokensCard() {
  const tokens = useQuery(queries.enrolmentTokens());
  const client = useQueryClient();
  const withdraw = useMutation({
    mutationFn: acts.withdrawEnrolmentToken,
    onSuccess: () => client.invalidateQueries({ queryKey: ['enrolment-tokens'] }),
  });
  return (
    <Card title="Open enrolment tokens" flush>
      <ErrorCard error={tokens.error ?? withdraw.error} />
      {tokens.isPending && <Skeleton rows={1} />}
      {tokens.data?.length === 0 && (
        <Empty
          title="No token is open"
          action={
            <Link to="/agents" className={buttonClass('plain', 'small')}>
              Go to agents
            </Link>
          }
        >
          “Add agent” makes one. It works once and expires by itself.
        </Empty>
      )}
      {tokens.data && tokens.data.length > 0 && (
        <Table
          label="Open enrolment tokens"
          rows={tokens.data}
          rowKey={(token) => token.id}
          columns={[
            {
              header: 'For',
              cell: (token) => (
                <RowTitle
                  note={
                    <>
                      {token.successorOf && `In the place of ${token.successorOf.name}. `}
                      Made <Time iso={token.createdAt} />
                    </>
                  }
                >
                  {token.name ?? 'Any host'}
                </RowTitle>
              ),
            },
            { header: 'Expires', cell: (token) => <Time iso={token.expiresAt} /> },
            {
              header: 'Actions',
              align: 'end',
              cell: (token) => (
                <Button
                  size="small"
                  busy={withdraw.isPending && withdraw.variables === token.id}
                  onClick={() => withdraw.mutate(token.id)}
                >
                  Withdraw<span className="sr-only"> the token for {token.name ?? 'any host'}</span>
                </Button>
              ),
            },
          ]}
        />
      )}
    </Card>
  );
}

function AboutCard() {
  const me = useQuery(queries.me());
  if (!me.data) return null;
  const { controlPlane } = me.data;
  return (
    <Card title="This control plane">
      <Facts
        items={[
          ['Version', controlPlane.version],
          ['Address', controlPlane.url],
          [
            'Key fingerprint',
            <code key="key" className="font-mono text-sm">
              {controlPlane.fingerprint}
            </code>,
          ],
        ]}
      />
    </Card>
  );
}
