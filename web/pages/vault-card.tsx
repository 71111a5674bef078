import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { acts } from '../api/acts.ts';
import type { Vault } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { formatBytes } from '../components/format.ts';
import { Card, Facts } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { Time } from '../components/time.tsx';
import { lockText } from './lock-fields.tsx';
import { RecoveryKit } from './recovery-kit.tsx';
import { VaultCheck } from './vault-check.tsx';
import { VaultCollection } from './vault-collection.tsx';
import { ChangeStoreDialog } from './vault-dialogs.tsx';
import { VaultReplica } from './vault-replica.tsx';
import { VaultSpace } from './vault-space.tsx';

/** One place where snapshots are kept: what it is, its room, its second copy, what is freed, the check of its files, its kit. */
export function VaultCard({ vault, several }: { vault: Vault; several: boolean }) {
  return (
    <Card title={vault.name} label={`Vault ${vault.name}`}>
      <div className="grid gap-4">
        <VaultFacts vault={vault} several={several} />
        <VaultSpace vault={vault} />
        <May to="administer">
          <VaultActs vault={vault} />
        </May>
        {vault.unreachable && <FailureCard failure={vault.unreachable} />}
        <VaultReplica vault={vault} />
        <VaultCollection vault={vault} />
        <VaultCheck vault={vault} />
        <May to="own">
          <RecoveryKit vault={vault} several={several} />
        </May>
      </div>
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
