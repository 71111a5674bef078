import { useState } from 'react';
import { acts } from '../api/acts.ts';
import type { Vault } from '../api/types.ts';
import { ConfirmDialog } from '../components/confirm.tsx';
import { CheckField, ChoiceField, TextField } from '../components/field.tsx';
import { KINDS, type Kind, kindOf, StoreDialog, usePlace, useSave } from './vault-dialogs.tsx';

interface ReplicaDialogProps {
  vault: Vault;
  onClose: () => void;
}

type Where = 'local' | Kind;

const DIRECTORY = {
  value: 'local' as const,
  label: 'Directory',
  help: 'On the control plane’s host: another disk, a mounted share',
};

/** Where a second copy goes; for a replica that is elsewhere than on this host, another way to it. */
export function ReplicaDialog({ vault, onClose }: ReplicaDialogProps) {
  const known = vault.replica ?? undefined;
  const [where, setWhere] = useState<Where>(known ? kindOf(known) : 'local');
  const [path, setPath] = useState('');
  const place = usePlace(where === 'local' ? 's3' : where, known);
  const store = () => (where === 'local' ? { kind: where, path: path.trim() } : place.store());
  const save = useSave(() => acts.setReplica(vault.id, store()), onClose);
  return (
    <StoreDialog title={`Replica of ${vault.name}`} act="Test and save" save={save} onClose={onClose}>
      {!known && (
        <ChoiceField
          legend="Where it is to be"
          choices={[DIRECTORY, ...KINDS]}
          value={where}
          onChange={setWhere}
        />
      )}
      {where === 'local' ? (
        <TextField
          label="Directory"
          required
          value={path}
          onChange={setPath}
          autoComplete="off"
          spellCheck={false}
          placeholder="/mnt/nas/homeport"
          help="Empty, made before, and on another disk than the vault: what is lost with it is no copy."
        />
      ) : (
        place.fields
      )}
    </StoreDialog>
  );
}

export function ForgetReplicaDialog({ vault, onClose }: ReplicaDialogProps) {
  const forget = useSave(() => acts.forgetReplica(vault.id, vault.name), onClose);
  return (
    <ConfirmDialog
      title="Forget the replica"
      name={vault.name}
      act="Forget"
      busy={forget.isPending}
      error={forget.error}
      onConfirm={() => forget.mutate()}
      onClose={onClose}
    >
      <p>
        Nothing is copied to {vault.replica?.path} any more, and nothing that is lost comes back from there.
      </p>
      <p>Its files stay where they are.</p>
    </ConfirmDialog>
  );
}

export function MoveVaultDialog({ vault, onClose }: ReplicaDialogProps) {
  const [leaveBehind, setLeaveBehind] = useState(false);
  const move = useSave(() => acts.moveVault(vault.id, { confirm: vault.name, leaveBehind }), onClose);
  return (
    <ConfirmDialog
      title="Move the vault to its replica"
      name={vault.name}
      act="Move"
      busy={move.isPending}
      error={move.error}
      onConfirm={() => move.mutate()}
      onClose={onClose}
    >
      <p>
        Once everything is copied, new backups go to {vault.replica?.path}, and {vault.path} becomes the
        replica. Backups and restores go on meanwhile.
      </p>
      <CheckField
        label="At once: the vault’s store is lost"
        help="What is not in the replica yet is given up."
        checked={leaveBehind}
        onChange={setLeaveBehind}
      />
    </ConfirmDialog>
  );
}
