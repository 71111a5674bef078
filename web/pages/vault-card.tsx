import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { Vault } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { formatBytes } from '../components/format.ts';
import { Card, Facts, Skeleton } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { Time } from '../components/time.tsx';
import { lockText } from './lock-fields.tsx';
import { RecoveryKit } from './recovery-kit.tsx';
import { VaultCheck } from './vault-check.tsx';
import { AddVaultDialog, ChangeStoreDialog } from './vault-dialogs.tsx';
import { VaultReplica } from './vault-replica.tsx';
import { VaultSpace } from './vault-space.tsx';

/** Where snapshots are kept, and how to get them back without this control plane. */
export function VaultCard() {
  const vaults = useQuery(queries.vaults());
  const [adding, setAdding] = useState(false);
  return (
    <Card
      title={vaults.data && vaults.data.length > 1 ? 'Vaults' : 'Vault'}
      actions={
        <May to="administer">
          <Button size="small" onClick={() => setAdding(true)}>
            <Plus aria-hidden size={14} />
            Add vault
          </Button>
        </May>
      }
    >
      <ErrorCard error={vaults.error} onRetry={() => void vaults.refetch()} />
      {vaults.isPending && <Skeleton rows={2} />}
      <div className="grid gap-6">
        {vaults.data?.map((vault, _, { length }) => (
          <section
            key={vault.id}
            aria-label={`Vault ${vault.name}`}
            className="grid gap-4 not-first:border-t-4 not-first:border-line not-first:pt-6"
          >
            <VaultFacts vault={vault} several={length > 1} />
            <VaultSpace vault={vault} />
            <May to="administer">
              <VaultActs vault={vault} />
            </May>
            {vault.unreachable && <FailureCard failure={vault.unreachable} />}
            <VaultReplica vault={vault} />
            <VaultCheck vault={vault} />
            <May to="own">
              <RecoveryKit vault={vault} several={length > 1} />
            </May>
          </section>
        ))}
      </div>
      {adding && <AddVaultDialog onClose={() => setAdding(false)} />}
    </Card>
  );
}

const PLACES: Record<Vault['store'], string> = {
  local: 'On the control plane’s disk',
  s3: 'In a bucket',
  rclone: 'Elsewhere, by rclone',
};

function VaultFacts({ vault, several }: { vault: Vault; several: boolean }) {
  return (
    <Facts
      items={[
        ['Name', vault.name],
        ['Where', PLACES[vault.store]],
        [
          vault.bucket ? 'Bucket' : 'Folder',
          <code key="folder" className="font-mono text-sm">
            {vault.path}
          </code>,
        ],
        ...(vault.bucket
          ? [
              [
                'Packs travel',
                vault.bucket.direct ? 'Between agents and bucket' : 'Through the control plane',
              ] as [string, string],
              ['Locked', lockText(vault.bucket) ?? 'No'] as [string, string],
            ]
          : []),
        ...(vault.remote?.sftp
          ? [
              [
                'Host keys',
                <code key="host-keys" className="font-mono text-sm break-all">
                  {vault.remote.sftp.fingerprints.join(' ')}
                </code>,
              ] as [string, ReactNode],
            ]
          : []),
        ...(several
          ? [['New backups', vault.isDefault ? 'Go here' : 'Go to another vault'] as [string, string]]
          : []),
        ['Snapshots', vault.snapshotCount.toLocaleString()],
        ['Stored', formatBytes(vault.storedBytes)],
        ['Created', <Time key="created" iso={vault.createdAt} mode="local" />],
        [
          'Signing key',
          <code key="key" className="font-mono text-sm">
            {vault.fingerprint}
          </code>,
        ],
      ]}
    />
  );
}

function VaultActs({ vault }: { vault: Vault }) {
  const [changing, setChanging] = useState(false);
  const client = useQueryClient();
  const use = useMutation({
    mutationFn: () => acts.chooseVault(vault.id),
    onSuccess: () => client.invalidateQueries({ queryKey: ['vaults'] }),
  });
  const elsewhere = vault.store !== 'local';
  if (vault.isDefault && !elsewhere) return null;
  return (
    <div className="grid gap-3">
      <div className="flex flex-wrap gap-2">
        {!vault.isDefault && (
          <Button size="small" busy={use.isPending} onClick={() => use.mutate()}>
            Use for new backups<span className="sr-only">: {vault.name}</span>
          </Button>
        )}
        {elsewhere && (
          <Button size="small" onClick={() => setChanging(true)}>
            Change access<span className="sr-only"> of {vault.name}</span>
          </Button>
        )}
      </div>
      {!vault.isDefault && (
        <p className="text-sm text-ink-3">
          The first backup of each database there uploads everything; earlier snapshots stay where they are.
        </p>
      )}
      <ErrorCard error={use.error} />
      {changing && <ChangeStoreDialog vault={vault} onClose={() => setChanging(false)} />}
    </div>
  );
}
