import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { acts } from '../api/acts.ts';
import type { Vault } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ConfirmDialog } from '../components/confirm.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { count, formatBytes } from '../components/format.ts';
import { Facts } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { Time } from '../components/time.tsx';

/** Frees what no snapshot needs any more, and says what came of it. */
export function VaultCollection({ vault }: { vault: Vault }) {
  const { collection } = vault;
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const begin = useMutation({
    mutationFn: (confirm?: string) => acts.collectVault(vault.id, confirm),
    onSuccess: () => {
      setAsking(false);
      return client.invalidateQueries({ queryKey: ['vaults'] });
    },
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
        <Button
          className="justify-self-start"
          size="small"
          busy={busy}
          onClick={() => begin.mutate(undefined)}
        >
          Free space now<span className="sr-only"> in {vault.name}</span>
        </Button>
      </May>
      {vault.forgottenCount > 0 && (
        <p>
          {count(vault.forgottenCount, 'snapshot')} that nobody deleted could not be found when the vault was
          last looked through. Nothing that belongs to the same servers is removed. Put the files back and
          restart Homeport.
        </p>
      )}
      {vault.forgottenCount > 0 && (
        <May to={['administer', 'delete']}>
          <Button className="justify-self-start" size="small" onClick={() => setAsking(true)}>
            Give up lost snapshots
          </Button>
        </May>
      )}
      {isAsking && (
        <ConfirmDialog
          title="Give up lost snapshots"
          name={vault.name}
          act="Give up"
          busy={begin.isPending}
          error={begin.error}
          onConfirm={(typed) => begin.mutate(typed)}
          onClose={() => setAsking(false)}
        >
          <p>
            What they need is removed, too: they never come back then, also where their files turn up again.
          </p>
        </ConfirmDialog>
      )}
      {!isAsking && <ErrorCard error={begin.error} />}
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
    items.push(['Left alone', `${count(skipped, 'server')} whose snapshots are not all there`]);
  return <Facts items={items} />;
}
