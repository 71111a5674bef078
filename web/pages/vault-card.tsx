import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries.ts';
import type { Vault } from '../api/types.ts';
import { ErrorCard } from '../components/failure.tsx';
import { formatBytes } from '../components/format.ts';
import { Card, Facts, Skeleton } from '../components/layout.tsx';
import { Time } from '../components/time.tsx';
import { RecoveryKit } from './recovery-kit.tsx';

/** Where snapshots are kept, and how to get them back without this control plane. */
export function VaultCard() {
  const vaults = useQuery(queries.vaults());
  return (
    <Card title="Vault">
      <ErrorCard error={vaults.error} onRetry={() => void vaults.refetch()} />
      {vaults.isPending && <Skeleton rows={2} />}
      <div className="grid gap-6">
        {vaults.data?.map((vault, _, { length }) => (
          <div key={vault.id} className="grid gap-4">
            <VaultFacts vault={vault} />
            <RecoveryKit vault={vault} several={length > 1} />
          </div>
        ))}
      </div>
    </Card>
  );
}

function VaultFacts({ vault }: { vault: Vault }) {
  return (
    <Facts
      items={[
        ['Name', vault.name],
        ['Where', 'On the control plane’s disk'],
        [
          'Folder',
          <code key="folder" className="font-mono text-sm">
            {vault.path}
          </code>,
        ],
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
