import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { Invitation } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { Card } from '../components/layout.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { standingText } from './role-words.ts';
import { StandingFields, useStanding } from './standing-fields.tsx';

/** Links that nobody has used yet; nothing where there are none. */
export function InvitationsCard() {
  const invitations = useQuery(queries.invitations());
  const client = useQueryClient();
  const withdraw = useMutation({
    mutationFn: acts.withdrawInvitation,
    onSuccess: () => client.invalidateQueries({ queryKey: ['invitations'] }),
  });
  const error = invitations.error ?? withdraw.error;
  if (!error && !invitations.data?.length) return null;
  return (
    <Card title="Open invitations" flush>
      <ErrorCard error={error} />
      <Table
        label="Open invitations"
        rows={invitations.data ?? []}
        rowKey={({ id }) => id}
        columns={[
          {
            header: 'For',
            cell: (invitation) => (
              <RowTitle note={standingText(invitation)}>{invitation.note ?? 'Whoever has the link'}</RowTitle>
            ),
          },
          { header: 'Made by', show: 'wide', cell: ({ createdBy }) => createdBy },
          { header: 'Expires', cell: ({ expiresAt }) => <Time iso={expiresAt} /> },
          {
            header: 'Actions',
            align: 'end',
            cell: ({ id, note }: Invitation) => (
              <Button
                size="small"
                busy={withdraw.isPending && withdraw.variables === id}
                onClick={() => withdraw.mutate(id)}
              >
                Withdraw<span className="sr-only"> the invitation for {note ?? 'whoever has the link'}</span>
              </Button>
            ),
          },
        ]}
      />
    </Card>
  );
}

export function InviteDialog({ onClose }: { onClose: () => void }) {
  const [note, setNote] = useState('');
  const { draft, setDraft, standing } = useStanding({ role: 'viewer', extraRights: [], labels: null });
  const client = useQueryClient();
  const invite = useMutation({
    mutationFn: () => acts.invite({ standing, ...(note.trim() ? { note: note.trim() } : {}) }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['invitations'] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate();
  };
  return (
    <Dialog title="Invite somebody" onClose={onClose} wide>
      {invite.data ? (
        <div className="grid gap-4">
          <p>
            Send this link by a way you trust: whoever opens it first becomes {standingText(standing)}. It
            works once, until <Time iso={invite.data.expiresAt} mode="local" />, and is shown only now.
          </p>
          <CodeBlock text={invite.data.url} label="Invitation link" />
          <div className="flex justify-end">
            <Button look="primary" onClick={onClose}>
              Done
            </Button>
          </div>
        </div>
      ) : (
        <form className="grid gap-4" onSubmit={submit}>
          <TextField
            label="For whom"
            optional
            autoComplete="off"
            help="For your list of invitations; they choose name and address themselves."
            value={note}
            onChange={setNote}
          />
          <StandingFields draft={draft} setDraft={setDraft} />
          <ErrorCard error={invite.error} />
          <div className="flex justify-end gap-2">
            <Button onClick={onClose}>Cancel</Button>
            <Button look="primary" type="submit" busy={invite.isPending}>
              Make a link
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
