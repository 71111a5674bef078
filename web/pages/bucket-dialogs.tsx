import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { acts } from '../api/acts.ts';
import type { Vault } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { BucketFields, bucketDraft, bucketStore } from './bucket-fields.tsx';

/** Makes a vault in a bucket. */
export function AddBucketDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [draft, setDraft] = useState(() => bucketDraft());
  const add = useSave(() => acts.addBucket({ name: name.trim(), store: bucketStore(draft) }), onClose);
  return (
    <BucketDialog title="Vault in a bucket" act="Test and create" save={add} onClose={onClose}>
      <p className="text-ink-2">
        For AWS S3 and what speaks its language: MinIO, Ceph, Cloudflare R2, Backblaze B2. A test file is
        written, read and deleted first.
      </p>
      <TextField label="Name of the vault" required autoComplete="off" value={name} onChange={setName} />
      <BucketFields draft={draft} onChange={setDraft} />
    </BucketDialog>
  );
}

/** Gives a vault another access key, or changes how its bucket is used. */
export function ChangeBucketDialog({ vault, onClose }: { vault: Vault; onClose: () => void }) {
  const [draft, setDraft] = useState(() => bucketDraft(vault.bucket));
  const change = useSave(() => acts.changeBucket(vault.id, bucketStore(draft)), onClose);
  return (
    <BucketDialog title={`Access of ${vault.name}`} act="Test and save" save={change} onClose={onClose}>
      <BucketFields draft={draft} onChange={setDraft} placed />
    </BucketDialog>
  );
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

export interface BucketDialogProps {
  title: string;
  act: string;
  save: ReturnType<typeof useSave>;
  onClose: () => void;
  children: ReactNode;
}

/** A form about a place for backups, which is tried out before it is saved. */
export function BucketDialog({ title, act, save, onClose, children }: BucketDialogProps) {
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
