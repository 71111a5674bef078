import { useMutation, useQueryClient } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { acts } from '../api/acts.ts';
import type { Vault } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { saveFile } from '../components/save-file.ts';
import { Time } from '../components/time.tsx';

/** Hands out one vault's recovery kit. `of` tells vaults apart where there are several. */
export function RecoveryKitButton({
  vault,
  look = 'plain',
  of,
}: {
  vault: Vault;
  look?: 'primary' | 'plain';
  of?: string | undefined;
}) {
  const client = useQueryClient();
  const download = useMutation({
    mutationFn: () => acts.recoveryKit(vault.id),
    onSuccess: (kit) => {
      saveFile(kit);
      return client.invalidateQueries({ queryKey: ['vaults'] });
    },
  });
  return (
    <div className="grid justify-items-start gap-3">
      <Button size="small" look={look} busy={download.isPending} onClick={() => download.mutate()}>
        <KeyRound aria-hidden size={15} />
        Download recovery kit{of && ` of ${of}`}
      </Button>
      <ErrorCard error={download.error} />
    </div>
  );
}

/** What the kit is and what it can do, in plain words, with the button. */
export function RecoveryKit({ vault, several }: { vault: Vault; several: boolean }) {
  const { kitDownloadedAt } = vault;
  return (
    <section
      aria-label={several ? `Recovery kit of ${vault.name}` : 'Recovery kit'}
      className="grid gap-3 border-t border-line pt-4"
    >
      <h3 className="font-semibold">Recovery kit</h3>
      <p className="text-ink-2">
        With this text file and the vault’s files, every backup comes back even if this control plane is gone:
        among them is <code className="font-mono text-sm">recover.mjs</code>, which needs nothing but Node.
      </p>
      <KitWarning />
      <p className="text-sm text-ink-3">
        {kitDownloadedAt ? (
          <>
            Last downloaded <Time iso={kitDownloadedAt} />.
          </>
        ) : (
          'Not downloaded yet.'
        )}
      </p>
      <RecoveryKitButton
        vault={vault}
        look={kitDownloadedAt ? 'plain' : 'primary'}
        of={several ? vault.name : undefined}
      />
    </section>
  );
}

/** Who must not get the kit. */
export function KitWarning() {
  return (
    <p className="text-ink-2">
      <strong className="font-semibold text-ink">
        Whoever has the kit and the vault’s files can read every backup.
      </strong>{' '}
      Keep it on paper or in a password manager, never in the vault itself.
    </p>
  );
}
