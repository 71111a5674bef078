import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { queries } from '../api/queries.ts';
import type { Database, ProtectionStatus } from '../api/types.ts';
import { buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';
import { matches, SearchField } from '../components/search.tsx';
import { DatabaseTable } from './database-table.tsx';

type Filter = ProtectionStatus | 'all';

const FILTERS: { value: Filter; label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'protected', label: 'Protected' },
  { value: 'at-risk', label: 'At risk' },
  { value: 'unprotected', label: 'Unprotected' },
];

export function DatabasesPage() {
  const [search, setSearch] = useState('');
  const [filter, setFilter] = useState<Filter>('all');
  const databases = useQuery(queries.databases());
  const all = databases.data ?? [];
  const shown = all.filter(
    (database) =>
      (filter === 'all' || database.status === filter) &&
      matches(search, [database.name, database.serverName, database.agentName]),
  );
  return (
    <Page title="Databases" lead="Every database Homeport keeps backups of.">
      {all.length > 0 && (
        <div className="flex flex-wrap gap-3">
          <SearchField label="Search databases" value={search} onChange={setSearch} />
          <StatusFilter databases={all} value={filter} onChange={setFilter} />
        </div>
      )}
      <ErrorCard error={databases.error} onRetry={() => void databases.refetch()} />
      <Card flush>
        {databases.isPending && <Skeleton />}
        {databases.data?.length === 0 && (
          <Empty
            title="No database is protected yet"
            action={
              <Link to="/servers" className={buttonClass('primary')}>
                Go to servers
              </Link>
            }
          >
            Open a server and choose which of its databases to back up.
          </Empty>
        )}
        {shown.length > 0 && <DatabaseTable databases={shown} />}
        {all.length > 0 && shown.length === 0 && <Empty title="No database matches." />}
      </Card>
    </Page>
  );
}

interface StatusFilterProps {
  databases: Database[];
  value: Filter;
  onChange: (filter: Filter) => void;
}

function StatusFilter({ databases, value, onChange }: StatusFilterProps) {
  return (
    <fieldset className="flex flex-wrap items-center gap-1">
      <legend className="sr-only">Status</legend>
      {FILTERS.map((each) => {
        const matching = databases.filter(({ status }) => each.value === 'all' || status === each.value);
        return (
          <button
            key={each.value}
            type="button"
            aria-pressed={each.value === value}
            onClick={() => onChange(each.value)}
            className="min-h-9 rounded-control px-2.5 text-ink-2 hover:bg-raised aria-pressed:bg-accent-soft aria-pressed:font-medium aria-pressed:text-accent"
          >
            {each.label} <span className="tabular-nums">{matching.length}</span>
          </button>
        );
      })}
    </fieldset>
  );
}
