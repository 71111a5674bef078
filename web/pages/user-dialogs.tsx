import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { acts } from '../api/acts.ts';
import type { User } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ConfirmDialog } from '../components/confirm.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Time } from '../components/time.tsx';
import { StandingFields, useStanding } from './standing-fields.tsx';

interface UserDialogProps {
  user: User;
  onClose: () => void;
}

function useUserAct<T>(work: (input: T) => Promise<unknown>, onClose: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: work,
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['users'] });
      onClose();
    },
  });
}

export function ChangeUserDialog({ user, onClose }: UserDialogProps) {
  const { draft, setDraft, standing } = useStanding(user);
  const change = useUserAct(() => acts.changeUser(user.id, standing), onClose);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate(undefined);
  };
  return (
    <Dialog title={`What ${user.name} may do`} onClose={onClose} wide>
      <form className="grid gap-4" onSubmit={submit}>
        <StandingFields draft={draft} setDraft={setDraft} />
        <ErrorCard error={change.error} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={change.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function RecoveryLinkDialog({ user, onClose }: UserDialogProps) {
  const make = useMutation({ mutationFn: () => acts.recoveryLink(user.id) });
  return (
    <Dialog title={`Recovery link for ${user.name}`} onClose={onClose} wide>
      <div className="grid gap-4">
        {make.data ? (
          <>
            <p>
              Send it to {user.name} by a way you trust: whoever opens it chooses a new password for the
              account. It works once, until <Time iso={make.data.expiresAt} mode="local" />, and is shown only
              now.
            </p>
            <CodeBlock text={make.data.url} label="Recovery link" />
          </>
        ) : (
          <p className="text-ink-2">
            For somebody who has lost the password. With the link they choose a new one; whoever is signed in
            as {user.email} then no longer is. Links made for them before end.
          </p>
        )}
        <ErrorCard error={make.error} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{make.data ? 'Done' : 'Cancel'}</Button>
          {!make.data && (
            <Button look="primary" busy={make.isPending} onClick={() => make.mutate()}>
              Make a link
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}

export function RemoveUserDialog({ user, onClose }: UserDialogProps) {
  const remove = useUserAct((typed: string) => acts.removeUser(user.id, typed), onClose);
  return (
    <ConfirmDialog
      title={`Remove ${user.name}`}
      name={user.name}
      act="Remove user"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={(typed) => remove.mutate(typed)}
      onClose={onClose}
    >
      <p>
        Sessions and API keys of {user.email} end at once: scripts that use such a key are refused. What the
        user did stays in the audit log.
      </p>
    </ConfirmDialog>
  );
}
