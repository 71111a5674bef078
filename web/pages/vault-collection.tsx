import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { acts } from '../api/acts.ts';
import type { Vault } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { count, formatBytes } from '../components/format.ts';
import { Facts } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { Time } from '../components/time.tsx';

/** Frees what no snapshot needs any more, and says what came of it. */
export function VaultCollection({ vault }: { vault: Vault }) {
  const { collection } = vault;
  const client = useQueryClient();
  const begin = useMutation({
    mutationFn: () => acts.collectVault(vault.id),
    onSuccess: () => client.invalidateQueries({ queryKey: ['vaults'] }),
  });
  const busy = begin.isPending || (collection !== null && collection.finishedAt === null);
  return (
    <section aria-label={`Space of ${vault.name}`} className="grid gap-3 border-t border-line pt-4">
      <h3 className="font-semibold">Freeing space</h3>
      <p className="text-ink-2">
        What no snapshot needs any more goes by itself, within a day after snapshots were deleted.
      </p>
      {collection?.finishedAt && (
        <Freed vault={vault} collection={collection} finishedAt={collection.finishedAt} />
      )}
      {collection?.failure && <FailureCard failure={collection.failure} />}
      <May to="operate">
        <Button className="justify-self-start" size="small" busy={busy} onClick={() => begin.mutate()}>
          Free space now<span className="sr-only"> in {vault.name}</span>
        </Button>
      </May>
      <ErrorCard error={begin.error} />
    </section>
  );
}

interface FreedProps {
  vault: Vault;
  collection: NonNullable<Vault['collection']>;
  finishedAt: string;
}

function Freed({ collection, finishedAt, vault: { leaving } }: FreedProps) {
  const { bytes, packs, skipped } = collection;
  const items: [string, ReactNode][] = [
    ['Last time', <Time key="finished" iso={finishedAt} mode="local" />],
    ['Freed then', `${formatBytes(bytes)} in ${count(packs, 'pack')}`],
  ];
  if (leaving.files > 0) items.push(['Still being removed', count(leaving.files, 'file')]);
  if (skipped > 0)
    items.push(['Left alone', `${count(skipped, 'server')} with snapshots that are not whole`]);
  return <Facts items={items} />;
}
