import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import type { Agent } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ConfirmDialog } from '../components/confirm.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';

export function RenameDialog({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const [name, setName] = useState(agent.name);
  const rename = useMutation({
    mutationFn: () => acts.renameAgent(agent.id, name.trim()),
    onSuccess: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rename.mutate();
  };
  return (
    <Dialog title={`Rename ${agent.name}`} onClose={onClose}>
      <form className="grid gap-4" onSubmit={submit}>
        <TextField label="Name" required autoComplete="off" value={name} onChange={setName} />
        <ErrorCard error={rename.error} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={rename.isPending}>
            Rename
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function RevokeDialog({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const navigate = useNavigate();
  const revoke = useMutation({
    mutationFn: (typed: string) => acts.revokeAgent(agent.id, typed),
    onSuccess: () => {
      onClose();
      void navigate({ to: '/agents' });
    },
  });
  return (
    <ConfirmDialog
      title={`Revoke ${agent.name}`}
      name={agent.name}
      act="Revoke"
      busy={revoke.isPending}
      error={revoke.error}
      onConfirm={(typed) => revoke.mutate(typed)}
      onClose={onClose}
    >
      <p>
        Its connection is closed at once and its keys are never accepted again. Its databases are no longer
        backed up.
      </p>
      <p>Snapshots stay and can be restored through another agent.</p>
    </ConfirmDialog>
  );
}
