import { useState } from 'react';
import { acts } from '../api/acts.ts';
import type { Vault } from '../api/types.ts';
import { ConfirmDialog } from '../components/confirm.tsx';
import { CheckField, Field, TextField } from '../components/field.tsx';
import { BucketDialog, useSave } from './bucket-dialogs.tsx';
import { BucketFields, bucketDraft, bucketStore } from './bucket-fields.tsx';

interface ReplicaDialogProps {
  vault: Vault;
  onClose: () => void;
}

/** Where a second copy goes; for a replica that is in a bucket, another way to it. */
export function ReplicaDialog({ vault, onClose }: ReplicaDialogProps) {
  const known = vault.replica?.bucket ?? null;
  const [kind, setKind] = useState<'local' | 's3'>(known ? 's3' : 'local');
  const [path, setPath] = useState('');
  const [draft, setDraft] = useState(() => bucketDraft(known));
  const store = () => (kind === 'local' ? { kind, path: path.trim() } : bucketStore(draft));
  const save = useSave(() => acts.setReplica(vault.id, store()), onClose);
  return (
    <BucketDialog title={`Replica of ${vault.name}`} act="Test and save" save={save} onClose={onClose}>
      {!known && (
        <Field label="Where">
          {(attributes) => (
            <select
              {...attributes}
              className="control"
              value={kind}
              onChange={(event) => setKind(event.target.value as typeof kind)}
            >
              <option value="local">A directory on the control plane’s host</option>
              <option value="s3">A bucket</option>
            </select>
          )}
        </Field>
      )}
      {kind === 'local' ? (
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
        <BucketFields draft={draft} onChange={setDraft} placed={known !== null} />
      )}
    </BucketDialog>
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
