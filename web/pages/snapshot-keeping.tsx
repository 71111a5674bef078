import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Pin, PinOff, Trash2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import type { Snapshot } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ConfirmDialog } from '../components/confirm.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { Card } from '../components/layout.tsx';
import { May, useMay } from '../components/may.tsx';
import { Time } from '../components/time.tsx';
import { reasonWords } from './retention-words.ts';

/** How long a snapshot stays and why; pinned, noted, deleted. */
export function SnapshotKeeping({ snapshot }: { snapshot: Snapshot }) {
  const may = useMay();
  const { id, note, pinned } = snapshot;
  const pin = useMutation({ mutationFn: () => acts.keepSnapshot(id, { pinned: !pinned }) });
  return (
    <Card title="How long it stays" label="How long it stays">
      <div className="grid gap-4">
        <p>
          <Staying snapshot={snapshot} />
        </p>
        {!may('configure') && note !== null && <p className="text-ink-2">{note}</p>}
        <May to="configure">
          <NoteForm snapshot={snapshot} />
          <div className="flex flex-wrap gap-2">
            <Button busy={pin.isPending} onClick={() => pin.mutate()}>
              {pinned ? <PinOff aria-hidden size={16} /> : <Pin aria-hidden size={16} />}
              {pinned ? 'Unpin' : 'Pin'}
            </Button>
            <May to="delete">
              <Delete snapshot={snapshot} />
            </May>
          </div>
          <ErrorCard error={pin.error} />
        </May>
      </div>
    </Card>
  );
}

function Staying({ snapshot }: { snapshot: Snapshot }) {
  const { expiresAt, kept, pinned } = snapshot;
  if (expiresAt !== null)
    return (
      <>
        Deleted <Time iso={expiresAt} />: the policy of its database does not keep it. Pin it to keep it.
      </>
    );
  if (kept.length > 0) return <>Kept: {kept.map(reasonWords).join(', ')}.</>;
  return <>{pinned ? 'Pinned: it stays whatever the policy says.' : 'It stays: no policy deletes it.'}</>;
}

function NoteForm({ snapshot: { id, note } }: { snapshot: Snapshot }) {
  const [typed, setTyped] = useState(note ?? '');
  const save = useMutation({ mutationFn: () => acts.keepSnapshot(id, { note: typed.trim() || null }) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form className="grid gap-3" onSubmit={submit}>
      <TextField
        label="Note"
        optional
        help="Such as: before the migration to version 5."
        maxLength={500}
        autoComplete="off"
        value={typed}
        onChange={setTyped}
      />
      <Button
        className="justify-self-start"
        size="small"
        type="submit"
        busy={save.isPending}
        disabled={typed.trim() === (note ?? '')}
      >
        Save note
      </Button>
      <ErrorCard error={save.error} />
    </form>
  );
}

function Delete({ snapshot }: { snapshot: Snapshot }) {
  const [isOpen, setOpen] = useState(false);
  const navigate = useNavigate();
  const { databaseId, databaseName, id, sequence } = snapshot;
  const remove = useMutation({
    mutationFn: (typed: string) => acts.deleteSnapshot(id, typed),
    onSuccess: () => navigate({ to: '/databases/$databaseId', params: { databaseId } }),
  });
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <Trash2 aria-hidden size={16} />
        Delete
      </Button>
      {isOpen && (
        <ConfirmDialog
          title={`Delete snapshot ${sequence.toLocaleString()} of ${databaseName}`}
          name={databaseName}
          act="Delete"
          busy={remove.isPending}
          error={remove.error}
          onConfirm={(typed) => remove.mutate(typed)}
          onClose={() => setOpen(false)}
        >
          <p>
            This snapshot cannot be restored any more, and nothing brings it back. Other snapshots are whole
            without it.
          </p>
        </ConfirmDialog>
      )}
    </>
  );
}
