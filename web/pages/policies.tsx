import { useMutation, useQuery } from '@tanstack/react-query';
import { CalendarClock, Pencil, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { Policy } from '../api/types.ts';
import { LabelBadge } from '../components/badge.tsx';
import { Button } from '../components/button.tsx';
import { ConfirmDialog } from '../components/confirm.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { count } from '../components/format.ts';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';
import { May, useMay } from '../components/may.tsx';
import { type Column, RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { PolicyDialog } from './policy-dialog.tsx';
import { scheduleWords } from './policy-words.ts';
import { retentionWords } from './retention-words.ts';

type Open = { kind: 'add' } | { kind: 'change' | 'remove'; policy: Policy };

export function PoliciesPage() {
  const policies = useQuery(queries.policies());
  const [open, setOpen] = useState<Open>();
  const may = useMay();
  const close = () => setOpen(undefined);
  const add = (
    <May to={['configure', 'fleet']}>
      <Button look="primary" onClick={() => setOpen({ kind: 'add' })}>
        <Plus aria-hidden size={16} />
        Add policy
      </Button>
    </May>
  );
  const columns = may('configure') && may('fleet') ? [...COLUMNS, acting(setOpen)] : COLUMNS;
  return (
    <Page
      title="Policies"
      lead="When databases are backed up by themselves, and which snapshots stay."
      actions={add}
    >
      <ErrorCard error={policies.error} onRetry={() => void policies.refetch()} />
      <Card flush>
        {policies.isPending && <Skeleton />}
        {policies.data?.length === 0 && (
          <Empty title="No policy yet" action={add}>
            Backups are made by hand. A policy makes them by itself, for everything or for what you choose.
          </Empty>
        )}
        {policies.data && policies.data.length > 0 && (
          <Table label="Policies" rows={policies.data} rowKey={({ id }) => id} columns={columns} />
        )}
      </Card>
      {open?.kind === 'add' && <PolicyDialog onClose={close} />}
      {open?.kind === 'change' && <PolicyDialog policy={open.policy} onClose={close} />}
      {open?.kind === 'remove' && <RemoveDialog policy={open.policy} onClose={close} />}
    </Page>
  );
}

const COLUMNS: Column<Policy>[] = [
  {
    header: 'Policy',
    cell: ({ name, retention, schedule }) => (
      <RowTitle
        note={
          <>
            {scheduleWords(schedule)}
            <span className="block">{retentionWords(retention)}</span>
          </>
        }
      >
        <span className="inline-flex items-center gap-2 font-medium">
          <CalendarClock aria-hidden size={15} className="text-ink-3" />
          {name}
        </span>
      </RowTitle>
    ),
  },
  {
    header: 'For',
    show: 'wide',
    cell: ({ everywhere, labels }) => (
      <div className="flex flex-wrap items-center gap-1.5">
        {everywhere && <span>Everything</span>}
        {labels.map((label) => (
          <LabelBadge key={label} label={label} />
        ))}
        {!everywhere && labels.length === 0 && <span className="text-ink-3">What chooses it</span>}
      </div>
    ),
  },
  {
    header: 'Next',
    cell: ({ nextAt }) => (nextAt ? <Time iso={nextAt} /> : <span className="text-ink-3">–</span>),
  },
  {
    header: 'Has it',
    show: 'wide',
    align: 'end',
    cell: ({ databaseCount }) => count(databaseCount, 'database'),
  },
];

function acting(onOpen: (open: Open) => void): Column<Policy> {
  return {
    header: 'Actions',
    align: 'end',
    cell: (policy) => (
      <div className="flex justify-end gap-2">
        <Button size="small" onClick={() => onOpen({ kind: 'change', policy })}>
          <Pencil aria-hidden size={14} />
          <span className="max-sm:sr-only">Change</span>
          <span className="sr-only"> {policy.name}</span>
        </Button>
        <Button size="small" onClick={() => onOpen({ kind: 'remove', policy })}>
          <Trash2 aria-hidden size={14} />
          <span className="max-sm:sr-only">Remove</span>
          <span className="sr-only"> {policy.name}</span>
        </Button>
      </div>
    ),
  };
}

function RemoveDialog({ onClose, policy }: { policy: Policy; onClose: () => void }) {
  const remove = useMutation({
    mutationFn: (typed: string) => acts.removePolicy(policy.id, typed),
    onSuccess: onClose,
  });
  return (
    <ConfirmDialog
      title={`Remove ${policy.name}`}
      name={policy.name}
      act="Remove"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={(typed) => remove.mutate(typed)}
      onClose={onClose}
    >
      <p>
        {count(policy.databaseCount, 'database')} with it will have the policy of what is further away, or be
        backed up by hand only. Where no other rules are, every snapshot stays.
      </p>
    </ConfirmDialog>
  );
}
