import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import { labelsIn } from '../api/labels.ts';
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

/** Labels say what an agent is for, and who of the limited users sees it. */
export function LabelsDialog({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const [text, setText] = useState(agent.labels.join(' '));
  const save = useMutation({
    mutationFn: () => acts.labelAgent(agent.id, labelsIn(text)),
    onSuccess: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Dialog title={`Labels of ${agent.name}`} onClose={onClose}>
      <form className="grid gap-4" onSubmit={submit}>
        <TextField
          label="Labels"
          autoComplete="off"
          spellCheck={false}
          help="With blanks between them, such as team=shop production. Users who are limited to labels see the agents that carry one of theirs."
          value={text}
          onChange={setText}
        />
        <ErrorCard error={save.error} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={save.isPending}>
            Save labels
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
