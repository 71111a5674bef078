import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { acts } from '../api/acts.ts';
import { goToProvider } from '../api/provider.ts';
import { queries } from '../api/queries.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Empty } from '../components/layout.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';

/** Accounts elsewhere that open this one; absent where there is no provider and none is left of one. */
export function IdentitiesCard() {
  const identities = useQuery(queries.identities());
  const signIn = useQuery(queries.signIn());
  const client = useQueryClient();
  const again = () =>
    Promise.all(['identities', 'me'].map((key) => client.invalidateQueries({ queryKey: [key] })));
  const connect = useMutation({ mutationFn: () => goToProvider({ for: 'connect' }) });
  const remove = useMutation({ mutationFn: acts.disconnect, onSuccess: again });
  const provider = signIn.data?.provider;
  if (!identities.data || (!provider && identities.data.length === 0)) return null;
  const connected = identities.data.some((one) => one.provider === provider?.name);
  return (
    <Card
      title="Connected accounts"
      actions={
        provider &&
        !connected && (
          <Button size="small" busy={connect.isPending} onClick={() => connect.mutate()}>
            <Plus aria-hidden size={14} />
            Connect {provider.name}
          </Button>
        )
      }
      flush
    >
      <ErrorCard error={identities.error ?? connect.error ?? remove.error} />
      {identities.data.length === 0 && (
        <Empty title="None is connected">
          Connect your account at {provider?.name} to sign in with it instead of your password.
        </Empty>
      )}
      {identities.data.length > 0 && (
        <Table
          label="Connected accounts"
          rows={identities.data}
          rowKey={({ id }) => id}
          columns={[
            {
              header: 'At',
              cell: (one) => <RowTitle note={`${one.subject} at ${one.issuer}`}>{one.provider}</RowTitle>,
            },
            { header: 'Connected', cell: ({ connectedAt }) => <Time iso={connectedAt} /> },
            {
              header: 'Actions',
              align: 'end',
              cell: (one) => (
                <Button
                  size="small"
                  busy={remove.isPending && remove.variables === one.id}
                  onClick={() => remove.mutate(one.id)}
                >
                  Disconnect<span className="sr-only"> {one.provider}</span>
                </Button>
              ),
            },
          ]}
        />
      )}
    </Card>
  );
}
