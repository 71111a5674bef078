import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { acts } from '../api/acts.ts';
import type { Vault } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { ChoiceField, TextField } from '../components/field.tsx';
import { BucketFields, bucketDraft, bucketStore } from './bucket-fields.tsx';
import { RemoteFields, remoteDraft, remoteStore } from './remote-fields.tsx';

export type Kind = 's3' | 'sftp' | 'other';

/** Where a vault, or its replica, can be. */
export const KINDS: { value: Kind; label: string; help: string }[] = [
  { value: 's3', label: 'S3 bucket', help: 'AWS and what speaks its language: MinIO, Ceph, R2, B2' },
  { value: 'sftp', label: 'SFTP server', help: 'A folder on a host with SSH' },
  {
    value: 'other',
    label: 'Something else',
    help: 'SMB, WebDAV, Azure, Google, Drive…: what rclone reaches',
  },
];

/** Makes a vault elsewhere than on the control plane's disk. */
export function AddVaultDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [kind, setKind] = useState<Kind>('s3');
  const place = usePlace(kind);
  const add = useSave(() => acts.addVault({ name: name.trim(), store: place.store() }), onClose);
  return (
    <StoreDialog title="Add a vault" act="Test and create" save={add} onClose={onClose}>
      <TextField label="Name of the vault" required autoComplete="off" value={name} onChange={setName} />
      <ChoiceField legend="Where it is to be" choices={KINDS} value={kind} onChange={setKind} />
      <p className="text-ink-2">
        A test file is written, read and deleted there before anything is saved.
        {kind !== 's3' &&
          ' The control plane’s host needs rclone for it; all bytes pass through the control plane.'}
      </p>
      {place.fields}
    </StoreDialog>
  );
}

/** Gives a vault another key or password, or changes how its store is used. */
export function ChangeStoreDialog({ vault, onClose }: { vault: Vault; onClose: () => void }) {
  const place = usePlace(kindOf(vault), vault);
  const change = useSave(() => acts.changeStore(vault.id, place.store()), onClose);
  return (
    <StoreDialog title={`Access of ${vault.name}`} act="Test and save" save={change} onClose={onClose}>
      {place.fields}
    </StoreDialog>
  );
}

type Placed = Pick<Vault, 'bucket' | 'remote'>;

export function kindOf({ bucket, remote }: Placed): Kind {
  if (bucket) return 's3';
  return remote?.sftp ? 'sftp' : 'other';
}

/** The fields of a kind of place, and what they say. What was typed for one kind outlives a look at another. */
export function usePlace(kind: Kind, vault?: Placed) {
  const [bucket, setBucket] = useState(() => bucketDraft(vault?.bucket));
  const [sftp, setSftp] = useState(() => remoteDraft('sftp', vault?.remote));
  const [other, setOther] = useState(() => remoteDraft('other', vault?.remote));
  const placed = vault !== undefined;
  if (kind === 's3')
    return {
      store: () => bucketStore(bucket),
      fields: <BucketFields draft={bucket} onChange={setBucket} placed={placed} />,
    };
  const [draft, setDraft] = kind === 'sftp' ? [sftp, setSftp] : [other, setOther];
  return {
    store: () => remoteStore(draft),
    fields: <RemoteFields draft={draft} onChange={setDraft} placed={placed} />,
  };
}

export function useSave(save: () => Promise<unknown>, onSaved: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: save,
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['vaults'] });
      onSaved();
    },
  });
}

interface StoreDialogProps {
  title: string;
  act: string;
  save: ReturnType<typeof useSave>;
  onClose: () => void;
  children: ReactNode;
}

/** A form about a place for backups, which is tried out before it is saved. */
export function StoreDialog({ title, act, save, onClose, children }: StoreDialogProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Dialog title={title} onClose={onClose} wide>
      <form className="grid gap-4" onSubmit={submit}>
        {children}
        <ErrorCard error={save.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={save.isPending}>
            {act}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
