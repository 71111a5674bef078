import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queries } from '../api/queries.ts';
import type { AuditEntry } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';
import { matches, SearchField } from '../components/search.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { actText, detailTexts } from './audit-words.ts';

export function AuditPage() {
  const [search, setSearch] = useState('');
  const audit = useInfiniteQuery(queries.audit());
  const shown =
    audit.data?.pages
      .flat()
      .filter(({ action, actor, target }) =>
        matches(search, [actText(action), action, actor.name, target?.name]),
      ) ?? [];
  return (
    <Page title="Audit log" lead="Who did what to which thing, from where. Nothing in it can be changed.">
      <SearchField label="Search these entries" value={search} onChange={setSearch} />
      <ErrorCard error={audit.error} onRetry={() => void audit.refetch()} />
      <Card flush>
        {audit.isPending && <Skeleton />}
        {audit.data && shown.length === 0 && (
          <Empty title={search ? 'No entry matches.' : 'Nothing has happened yet'} />
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
