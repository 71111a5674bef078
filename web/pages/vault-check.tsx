import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { acts } from '../api/acts.ts';
import type { Vault } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { Facts } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { Time } from '../components/time.tsx';

/** Reads every file of a vault when asked to, and says what came of it. */
export function VaultCheck({ vault }: { vault: Vault }) {
  const { check } = vault;
  const client = useQueryClient();
  const begin = useMutation({
    mutationFn: () => acts.checkVault(vault.id),
    onSuccess: () => client.invalidateQueries({ queryKey: ['vaults'] }),
  });
  const busy = begin.isPending || (check !== null && check.finishedAt === null);
  return (
    <section aria-label={`Check of ${vault.name}`} className="grid gap-3 border-t border-line pt-4">
      <h3 className="font-semibold">Check</h3>
      <p className="text-ink-2">
        Reads every file of the vault and of its replica. What is damaged in one comes back from the other.
      </p>
      {check?.finishedAt && <Findings check={check} finishedAt={check.finishedAt} />}
      {check?.failure && <FailureCard failure={check.failure} />}
      <May to="operate">
        <Button className="justify-self-start" size="small" busy={busy} onClick={() => begin.mutate()}>
          Check all files<span className="sr-only"> of {vault.name}</span>
        </Button>
      </May>
      <ErrorCard error={begin.error} />
    </section>
  );
}

type Check = NonNullable<Vault['check']>;

function Findings({ check, finishedAt }: { check: Check; finishedAt: string }) {
  const { checked, files, healed, lost, lostNames, recopied } = check;
  return (
    <Facts
      items={[
        ['Last check', <Time key="finished" iso={finishedAt} mode="local" />],
        ['Files read', `${checked.toLocaleString()} of ${files.toLocaleString()}`],
        ['Brought back from the replica', healed.toLocaleString()],
        ['Copied to the replica anew', recopied.toLocaleString()],
        ['Whole nowhere', lost.toLocaleString()],
        ...(lost > 0
          ? [
              [
                'Lost',
                <code key="lost" className="font-mono text-sm break-all">
                  {lostNames.join(', ')}
                </code>,
              ] as [string, ReactNode],
            ]
          : []),
      ]}
    />
  );
}
