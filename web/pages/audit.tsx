import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import { auditUrl } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { AuditEntry } from '../api/types.ts';
import { Button, buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Field, TextField } from '../components/field.tsx';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';
import { SearchField } from '../components/search.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { actText, detailTexts } from './audit-words.ts';

const KINDS = [
  ['', 'Everything'],
  ['user', 'Users and sign-ins'],
  ['api-key', 'API keys'],
  ['sign-in-provider', 'Sign-in provider'],
  ['agent', 'Agents'],
  ['server', 'Servers'],
  ['database', 'Databases'],
  ['job', 'Backups and restores'],
  ['snapshot', 'Downloads'],
  ['vault', 'Vaults'],
] as const;

export function AuditPage() {
  const [search, setSearch] = useState('');
  const [kind, setKind] = useState('');
  const [first, setFirst] = useState('');
  const [last, setLast] = useState('');
  const q = useDeferredValue(search.trim());
  const filter = {
    ...(q ? { q } : {}),
    ...(kind ? { kind } : {}),
    ...(first ? { since: dayStart(first) } : {}),
    ...(last ? { until: dayStart(last, 1) } : {}),
  };
  const audit = useInfiniteQuery({ ...queries.audit(filter), placeholderData: keepPreviousData });
  const shown = audit.data?.pages.flat() ?? [];
  const all = Object.keys(filter).length === 0;
  return (
    <Page
      title="Audit log"
      lead="Who did what to which thing, from where. Nothing in it can be changed."
      actions={
        <a href={auditUrl(filter)} download className={buttonClass()}>
          <Download aria-hidden size={16} />
          Export
        </a>
      }
    >
      <div className="grid items-end gap-3 sm:grid-cols-2 xl:grid-cols-[1fr_14rem_11rem_11rem]">
        <SearchField label="Search people and things" value={search} onChange={setSearch} />
        <Field label="What about">
          {(attributes) => (
            <select
              {...attributes}
              className="control"
              value={kind}
              onChange={(event) => setKind(event.target.value)}
            >
              {KINDS.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField label="From" type="date" value={first} onChange={setFirst} />
        <TextField label="To" type="date" value={last} onChange={setLast} />
      </div>
      <ErrorCard error={audit.error} onRetry={() => void audit.refetch()} />
      <Card flush>
        {audit.isPending && <Skeleton />}
        {audit.data && shown.length === 0 && (
          <Empty title={all ? 'Nothing has happened yet' : 'No entry matches.'} />
        )}
        {shown.length > 0 && <AuditTable entries={shown} />}
      </Card>
      {audit.hasNextPage && (
        <Button
          className="justify-self-center"
          busy={audit.isFetchingNextPage}
          onClick={() => void audit.fetchNextPage()}
        >
          Show older entries
        </Button>
      )}
    </Page>
  );
}

/** When a day of the reader’s calendar begins, or one some days later, as the API takes it. */
function dayStart(day: string, later = 0): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

/** Said before the name; people need no word for what they are. */
const ACTORS = { user: '', 'api-key': 'API key', agent: 'Agent', system: 'Homeport' } satisfies Record<
  AuditEntry['actor']['kind'],
  string
>;

function actorText({ actor }: AuditEntry): string {
  const text = actor.kind === 'system' ? ACTORS.system : `${ACTORS[actor.kind]} ${actor.name ?? ''}`.trim();
  return text || 'Somebody';
}

function AuditTable({ entries }: { entries: AuditEntry[] }) {
  return (
    <Table
      label="Audit log"
      rows={entries}
      rowKey={(entry) => String(entry.id)}
      columns={[
        {
          header: 'What',
          cell: (entry) => (
            <RowTitle
              note={
                <>
                  {entry.target?.name}
                  <span className="block lg:hidden">{actorText(entry)}</span>
                </>
              }
            >
              {actText(entry.action)}
            </RowTitle>
          ),
        },
        { header: 'Who', show: 'wide', cell: (entry) => actorText(entry) },
        { header: 'From', show: 'wide', cell: (entry) => entry.from ?? '–' },
        {
          header: 'Details',
          show: 'wide',
          cell: (entry) => <Details details={entry.details} />,
        },
        { header: 'When', align: 'end', cell: (entry) => <Time iso={entry.at} mode="local" /> },
      ]}
    />
  );
}

function Details({ details }: { details: AuditEntry['details'] }) {
  const texts = detailTexts(details);
  if (texts.length === 0) return <span className="text-ink-3">–</span>;
  return (
    <ul className="text-sm text-ink-2">
      {texts.map(([label, text]) => (
        <li key={label}>
          <span className="inline-block text-ink-3 first-letter:uppercase">{label}</span>{' '}
          {ISO_TIME.test(text) ? <Time iso={text} mode="local" /> : text}
        </li>
      ))}
    </ul>
  );
}

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/;
