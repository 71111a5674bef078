import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { queries } from '../api/queries.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Page, Skeleton } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { VaultCard } from './vault-card.tsx';
import { AddVaultDialog } from './vault-dialogs.tsx';

/** Where snapshots are kept, how much room is left there, and how to get them back without this control plane. */
export function VaultsPage() {
  const vaults = useQuery(queries.vaults());
  const [adding, setAdding] = useState(false);
  return (
    <Page
      title="Vaults"
      lead="Where snapshots are kept."
      actions={
        <May to="administer">
          <Button look="primary" onClick={() => setAdding(true)}>
            <Plus aria-hidden size={16} />
            Add vault
          </Button>
        </May>
      }
    >
      <ErrorCard error={vaults.error} onRetry={() => void vaults.refetch()} />
      {vaults.isPending && (
        <Card>
          <Skeleton rows={6} />
        </Card>
      )}
      {vaults.data?.map((vault, _, { length }) => (
        <VaultCard key={vault.id} vault={vault} several={length > 1} />
      ))}
      {adding && <AddVaultDialog onClose={() => setAdding(false)} />}
    </Page>
  );
}
