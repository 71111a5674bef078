import { useQuery } from '@tanstack/react-query';
import { UserPlus } from 'lucide-react';
import { useState } from 'react';
import { queries } from '../api/queries.ts';
import type { User } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Page, Skeleton } from '../components/layout.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { InvitationsCard, InviteDialog } from './invitations.tsx';
import { standingText } from './role-words.ts';
import { ChangeUserDialog, RecoveryLinkDialog, RemoveUserDialog } from './user-dialogs.tsx';

type Open = { act: 'change' | 'recover' | 'remove'; user: User };

export function UsersPage() {
  const users = useQuery(queries.users());
  const [inviting, setInviting] = useState(false);
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  return (
    <Page
      title="Users"
      lead="Who may use this Homeport, and what they may do. Changes hold at once."
      actions={
        <Button look="primary" onClick={() => setInviting(true)}>
          <UserPlus aria-hidden size={16} />
          Invite
        </Button>
      }
    >
      <ErrorCard error={users.error} onRetry={() => void users.refetch()} />
      <Card flush>
        {users.isPending && <Skeleton />}
        {users.data && <UserTable users={users.data} onAct={setOpen} />}
      </Card>
      <InvitationsCard />
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
      {open?.act === 'change' && <ChangeUserDialog user={open.user} onClose={close} />}
      {open?.act === 'recover' && <RecoveryLinkDialog user={open.user} onClose={close} />}
      {open?.act === 'remove' && <RemoveUserDialog user={open.user} onClose={close} />}
    </Page>
  );
}

function UserTable({ users, onAct }: { users: User[]; onAct: (open: Open) => void }) {
  const me = useQuery(queries.me());
  return (
    <Table
      label="Users"
      rows={users}
      rowKey={(user) => user.id}
      columns={[
        {
          header: 'User',
          cell: (user) => (
            <RowTitle
              note={
                <>
                  {user.email}
                  <span className="block lg:hidden">
                    {standingText(user)}, {reachText(user)}
                  </span>
                </>
              }
            >
              {user.name}
              {user.id === me.data?.user.id && <span className="text-ink-3"> (you)</span>}
            </RowTitle>
          ),
        },
        { header: 'Role', show: 'wide', cell: standingText },
        { header: 'Sees', show: 'wide', cell: reachText },
        { header: 'Actions', align: 'end', cell: (user) => <UserActs user={user} onAct={onAct} /> },
      ]}
    />
  );
}

function reachText({ labels }: User): string {
  return labels === null ? 'the whole fleet' : `agents with ${labels.join(' or ')}`;
}

function UserActs({ user, onAct }: { user: User; onAct: (open: Open) => void }) {
  if (!user.manageable) return null;
  const acts = [
    ['change', 'Change'],
    ['recover', 'Recovery link'],
    ['remove', 'Remove'],
  ] as const;
  return (
    <div className="flex flex-wrap justify-end gap-2">
      {acts.map(([act, label]) => (
        <Button key={act} size="small" onClick={() => onAct({ act, user })}>
          {label}
          <span className="sr-only"> {act === 'recover' ? `for ${user.name}` : user.name}</span>
        </Button>
      ))}
    </div>
  );
}
