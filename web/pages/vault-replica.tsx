import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { acts } from '../api/acts.ts';
import type { Vault } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { formatBytes } from '../components/format.ts';
import { Facts } from '../components/layout.tsx';
import { useMay } from '../components/may.tsx';
import { Time } from '../components/time.tsx';
import { lockText } from './lock-fields.tsx';
import { ForgetReplicaDialog, MoveVaultDialog, ReplicaDialog } from './replica-dialogs.tsx';

type Replica = NonNullable<Vault['replica']>;
type Open = 'place' | 'move' | 'forget';

/** The second copy of a vault: how far it is, and what can be done with it. */
export function VaultReplica({ vault }: { vault: Vault }) {
  const { replica } = vault;
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const stay = useStay(vault);
  const may = useMay();
  const mayChange = may('administer');
  const mayEnd = may('administer', 'delete');
  return (
    <section aria-label={`Replica of ${vault.name}`} className="grid gap-3 border-t border-line pt-4">
      <h3 className="font-semibold">Replica</h3>
      {replica ? (
        <ReplicaFacts vault={vault} replica={replica} />
      ) : (
        <p className="text-ink-2">
          A second copy of everything, in another place. What is damaged or lost in the vault is read and
          brought back from there.
        </p>
      )}
      {replica?.failure && <FailureCard failure={replica.failure} />}
      <div className="flex flex-wrap gap-2">
        <Act vault={vault} onClick={() => setOpen('place')} show={!replica && mayChange}>
          Add a replica
        </Act>
        <Act
          vault={vault}
          onClick={() => setOpen('move')}
          show={mayEnd && replica !== null && !replica.moving}
        >
          Move the vault there
        </Act>
        <Act vault={vault} onClick={() => stay.mutate()} show={mayChange && replica?.moving === true}>
          Do not move
        </Act>
        <Act
          vault={vault}
          onClick={() => setOpen('place')}
          show={mayChange && replica !== null && replica.store !== 'local'}
        >
          Change access to the replica
        </Act>
        <Act vault={vault} onClick={() => setOpen('forget')} show={mayEnd && replica !== null}>
          Forget the replica
        </Act>
      </div>
      <ErrorCard error={stay.error} />
      {open === 'place' && <ReplicaDialog vault={vault} onClose={close} />}
      {open === 'move' && <MoveVaultDialog vault={vault} onClose={close} />}
      {open === 'forget' && <ForgetReplicaDialog vault={vault} onClose={close} />}
    </section>
  );
}

function useStay(vault: Vault) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => acts.stayVault(vault.id),
    onSuccess: () => client.invalidateQueries({ queryKey: ['vaults'] }),
  });
}

interface ActProps {
  vault: Vault;
  show: boolean;
  onClick: () => void;
  children: ReactNode;
}

function Act({ vault, show, onClick, children }: ActProps) {
  if (!show) return null;
  return (
    <Button size="small" onClick={onClick}>
      {children}
      <span className="sr-only"> of {vault.name}</span>
    </Button>
  );
}

function ReplicaFacts({ vault, replica }: { vault: Vault; replica: Replica }) {
  const { moving, nextTryAt, path, pending, snapshotCount } = replica;
  const left = `${pending.packs.toLocaleString()} packs, ${formatBytes(pending.bytes)}`;
  return (
    <Facts
      items={[
        [
          'Where',
          <code key="path" className="font-mono text-sm">
            {path}
          </code>,
        ],
        ['State', `${stateText(replica)}${moving ? '; the vault moves there then' : ''}`],
        ['Snapshots copied', `${snapshotCount.toLocaleString()} of ${vault.snapshotCount.toLocaleString()}`],
        ...(pending.packs > 0 ? [['To copy', left] as [string, ReactNode]] : []),
        ...(replica.bucket?.lock ? [['Locked', lockText(replica.bucket)] as [string, ReactNode]] : []),
        ...(nextTryAt
          ? [['Next try', <Time key="next" iso={nextTryAt} mode="local" />] as [string, ReactNode]]
          : []),
      ]}
    />
  );
}

function stateText({ state }: Replica): string {
  if (state === 'copying') return 'Being copied';
  return state === 'waiting' ? 'Waits for the next try' : 'Has everything';
}
