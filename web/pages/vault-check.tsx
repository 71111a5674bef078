import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { acts } from '../api/acts.ts';
import type { Vault } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { Field } from '../components/field.tsx';
import { Facts } from '../components/layout.tsx';
import { May, useMay } from '../components/may.tsx';
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
        Reads every file of the vault and of its replica. What is damaged in one comes back from the other;
        what is whole nowhere the next backup uploads again, and snapshots that need it are marked.
      </p>
      <Every vault={vault} />
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

const CHOICES = [0, 1, 7, 30, 90, 365];

/** How often that begins by itself. */
function Every({ vault: { checkEveryDays, id } }: { vault: Vault }) {
  const may = useMay();
  const client = useQueryClient();
  const choose = useMutation({
    mutationFn: (days: number) => acts.checkEvery(id, days),
    onSuccess: () => client.invalidateQueries({ queryKey: ['vaults'] }),
  });
  const days = choose.isPending ? choose.variables : checkEveryDays;
  if (!may('administer')) return <p className="text-ink-2">By itself: {everyWords(days)}.</p>;
  return (
    <div className="grid gap-3 sm:max-w-xs">
      <Field label="By itself">
        {(attributes) => (
          <select
            {...attributes}
            className="control"
            value={days}
            onChange={(event) => choose.mutate(Number(event.target.value))}
          >
            {[...new Set([...CHOICES, days])].map((one) => (
              <option key={one} value={one}>
                {everyWords(one)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <ErrorCard error={choose.error} />
    </div>
  );
}

function everyWords(days: number): string {
  if (days === 0) return 'never';
  return days === 1 ? 'every day' : `every ${days} days`;
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
