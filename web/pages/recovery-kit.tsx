import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { Vault } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Skeleton } from '../components/layout.tsx';
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

/** The kit of one vault, among what else there is to say of the vault. */
export function RecoveryKit({ vault, several }: { vault: Vault; several: boolean }) {
  return (
    <section
      aria-label={several ? `Recovery kit of ${vault.name}` : 'Recovery kit'}
      className="grid gap-3 border-t border-line pt-4"
    >
      <h3 className="font-semibold">Recovery kit</h3>
      <KitPurpose />
      <KitWarning />
      <KitDownload vault={vault} several={several} />
    </section>
  );
}

/** The kits of all vaults. */
export function RecoveryKitsCard() {
  const vaults = useQuery(queries.vaults());
  const several = (vaults.data?.length ?? 0) > 1;
  const title = several ? 'Recovery kits' : 'Recovery kit';
  return (
    <Card title={title} label={title}>
      <div className="grid gap-3">
        <KitPurpose />
        <KitWarning />
        <ErrorCard error={vaults.error} onRetry={() => void vaults.refetch()} />
        {vaults.isPending && <Skeleton rows={1} />}
        {vaults.data?.map((vault) => (
          <KitDownload key={vault.id} vault={vault} several={several} />
        ))}
      </div>
    </Card>
  );
}

function KitPurpose() {
  return (
    <p className="text-ink-2">
      With this text file and the vault’s files, every backup comes back even if this control plane is gone:
      among them is <code className="font-mono text-sm">recover.mjs</code>, which needs nothing but Node.
    </p>
  );
}

function KitDownload({ vault, several }: { vault: Vault; several: boolean }) {
  const { kitDownloadedAt } = vault;
  return (
    <>
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
    </>
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
