import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ShieldAlert } from 'lucide-react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { SelfBackup } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { formatBytes } from '../components/format.ts';
import { Card, Facts, Skeleton } from '../components/layout.tsx';
import { Time } from '../components/time.tsx';

/** When Homeport last backed itself up, and a button for now. */
export function SelfBackupCard() {
  const state = useQuery(queries.selfBackup());
  const client = useQueryClient();
  const make = useMutation({
    mutationFn: acts.makeSelfBackup,
    onSettled: () => client.invalidateQueries({ queryKey: ['self-backup'] }),
  });
  return (
    <Card
      title="Backup of Homeport itself"
      label="Backup of Homeport itself"
      actions={
        <Button
          size="small"
          busy={make.isPending || state.data?.running === true}
          onClick={() => make.mutate()}
        >
          Back up now
        </Button>
      }
    >
      <div className="grid gap-4">
        <p className="text-ink-2">
          Users, agents, policies and keys, sealed, in the vault’s own store. With the recovery kit,{' '}
          <code className="font-mono text-sm">homeport restore-self</code> brings them back if this host is
          lost.
        </p>
        <ErrorCard error={state.error ?? (state.data?.failure ? null : make.error)} />
        {state.isPending && <Skeleton rows={2} />}
        {state.data && <Facts items={facts(state.data)} />}
      </div>
    </Card>
  );
}

function facts({ failure, last, nextAt }: SelfBackup): [string, React.ReactNode][] {
  return [
    ['Last', last ? <Time key="last" iso={last.at} /> : 'None yet'],
    ...(last ? lastFacts(last) : []),
    ...(failure
      ? [
          [
            'Failed',
            <span key="failed" className="text-bad">
              <Time iso={failure.at} />: {failure.failure.message} {failure.failure.hint}
            </span>,
          ] as [string, React.ReactNode],
        ]
      : []),
    ['Next', nextAt ? <Time key="next" iso={nextAt} /> : 'Only by hand'],
  ];
}

function lastFacts({
  bytes: size,
  copied,
  name,
  place,
}: NonNullable<SelfBackup['last']>): [string, React.ReactNode][] {
  const where = `${place}, ${formatBytes(size)}${copied === true ? ', and in the replica' : ''}${copied === false ? ', not in the replica' : ''}`;
  return [
    ['Where', where],
    [
      'File',
      <code key="name" className="font-mono text-sm break-all">
        {name}
      </code>,
    ],
  ];
}

/** Says that Homeport itself is not backed up, while it is not. */
export function SelfBackupWarning() {
  const { data } = useQuery(queries.selfBackup());
  if (!data?.late) return null;
  return (
    <section
      aria-label="Backup of Homeport itself"
      className="flex items-center gap-4 rounded-card border border-warn/40 bg-warn-soft p-5"
    >
      <ShieldAlert aria-hidden size={24} className="shrink-0 text-warn" />
      <p>
        {data.failure
          ? `The last backup of Homeport itself failed: ${data.failure.failure.message}`
          : 'Homeport itself has not been backed up for two days.'}{' '}
        <Link to="/settings" className="rounded-sm text-accent underline">
          Settings
        </Link>
      </p>
    </section>
  );
}
