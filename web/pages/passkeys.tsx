import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import { addPasskey, passkeysPossible } from '../api/passkeys.ts';
import { queries } from '../api/queries.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { Card, Empty } from '../components/layout.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';

/** What opens the account without a password; absent where no browser would make one. */
export function PasskeysCard() {
  const passkeys = useQuery(queries.passkeys());
  const [adding, setAdding] = useState(false);
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: acts.removePasskey,
    onSuccess: () => client.invalidateQueries({ queryKey: ['passkeys'] }),
  });
  if (!passkeysPossible() && !passkeys.data?.length) return null;
  return (
    <Card
      title="Passkeys"
      actions={
        passkeysPossible() && (
          <Button size="small" onClick={() => setAdding(true)}>
            <Plus aria-hidden size={14} />
            Add a passkey
          </Button>
        )
      }
      flush
    >
      <ErrorCard error={passkeys.error ?? remove.error} />
      {passkeys.data?.length === 0 && (
        <Empty title="No passkey yet">
          With one, your fingerprint, face or PIN on a device of yours stands for password and code.
        </Empty>
      )}
      {passkeys.data && passkeys.data.length > 0 && (
        <Table
          label="Passkeys"
          rows={passkeys.data}
          rowKey={({ id }) => id}
          columns={[
            {
              header: 'Passkey',
              cell: ({ name, synced }) => (
                <RowTitle note={synced ? 'On all devices of its owner' : 'On one device'}>{name}</RowTitle>
              ),
            },
            { header: 'Added', cell: ({ createdAt }) => (createdAt ? <Time iso={createdAt} /> : '–') },
            {
              header: 'Actions',
              align: 'end',
              cell: ({ id, name }) => (
                <Button
                  size="small"
                  busy={remove.isPending && remove.variables === id}
                  onClick={() => remove.mutate(id)}
                >
                  Remove<span className="sr-only"> {name}</span>
                </Button>
              ),
            },
          ]}
        />
      )}
      {adding && <AddDialog onClose={() => setAdding(false)} />}
    </Card>
  );
}

function AddDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const client = useQueryClient();
  const add = useMutation({
    mutationFn: () => addPasskey(name.trim()),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['passkeys'] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <Dialog title="Add a passkey" onClose={onClose}>
      <form className="grid gap-4" onSubmit={submit}>
        <TextField
          label="Name"
          required
          autoComplete="off"
          help="So that you tell it from others, such as the device it is on."
          value={name}
          onChange={setName}
        />
        <ErrorCard error={add.error} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={add.isPending}>
            Add passkey
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
