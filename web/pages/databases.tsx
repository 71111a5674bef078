import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { queries } from '../api/queries.ts';
import type { Database, ProtectionStatus } from '../api/types.ts';
import type { DatabaseSearch } from '../app/list-search.ts';
import { buttonClass } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Field } from '../components/field.tsx';
import { Card, Empty, Page, Skeleton } from '../components/layout.tsx';
import { useMay } from '../components/may.tsx';
import { usePicked } from '../components/picked.ts';
import { SearchField } from '../components/search.tsx';
import { DatabasePicks } from './database-picks.tsx';
import { DatabaseTable } from './database-table.tsx';

const route = getRouteApi('/app/databases');

export function DatabasesPage() {
  const { order, q, status } = route.useSearch();
  const navigate = useNavigate({ from: '/databases' });
  const change = (changes: { [K in keyof DatabaseSearch]: DatabaseSearch[K] | undefined }) =>
    void navigate({
      search: (now) => ({ ...now, ...changes }) as DatabaseSearch,
      replace: true,
      resetScroll: false,
    });
  const filter = { ...(q ? { q } : {}), ...(status ? { status } : {}), ...(order ? { order } : {}) };
  const databases = useQuery({ ...queries.databases(filter), placeholderData: keepPreviousData });
  const picked = usePicked<Database>(filter);
  const may = useMay();
  // Who can do nothing with them has nothing to pick them for.
  const mayPick = may('operate') || may('configure');
  const searched = q !== undefined || status !== undefined;
  const total = databases.data?.total ?? 0;
  return (
    <Page title="Databases" lead="Every database Homeport keeps backups of.">
      {(total > 0 || searched) && (
        <div className="flex flex-wrap items-end gap-3">
          <SearchField
            label="Search databases"
            value={q ?? ''}
            onChange={(text) => change({ q: text || undefined })}
          />
          <StatusFilter q={q} value={status} onChange={(next) => change({ status: next })} />
          <OrderField value={order} onChange={(next) => change({ order: next })} />
        </div>
      )}
      <ErrorCard error={databases.error} onRetry={() => void databases.refetch()} />
      <Card flush>
        {databases.isPending && <Skeleton />}
        {databases.data && total === 0 && !searched && <NothingYet />}
        {total > 0 && <DatabaseTable filter={filter} total={total} {...(mayPick ? { picked } : {})} />}
        {databases.data && total === 0 && searched && <Empty title="No database matches." />}
      </Card>
      <DatabasePicks picked={picked} filter={filter} total={total} />
    </Page>
  );
}

function NothingYet() {
  return (
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
  );
}

interface StatusFilterProps {
  /** What is searched for: the numbers are of that. */
  q: string | undefined;
  value: ProtectionStatus | undefined;
  onChange: (status: ProtectionStatus | undefined) => void;
}

function StatusFilter({ q, value, onChange }: StatusFilterProps) {
  const { data } = useQuery({ ...queries.databaseCounts(q ? { q } : {}), placeholderData: keepPreviousData });
  const choices: [status: ProtectionStatus | undefined, label: string, n: number | undefined][] = [
    [undefined, 'All', data && data.protected + data.atRisk + data.unprotected],
    ['protected', 'Protected', data?.protected],
    ['at-risk', 'At risk', data?.atRisk],
    ['unprotected', 'Unprotected', data?.unprotected],
  ];
  return (
    <fieldset className="flex flex-wrap items-center gap-1">
      <legend className="sr-only">Status</legend>
      {choices.map(([status, label, n]) => (
        <button
          key={label}
          type="button"
          aria-pressed={status === value}
          onClick={() => onChange(status)}
          className="min-h-9 rounded-control px-2.5 text-ink-2 hover:bg-raised aria-pressed:bg-accent-soft aria-pressed:font-medium aria-pressed:text-accent"
        >
          {label} <span className="tabular-nums">{n?.toLocaleString()}</span>
        </button>
      ))}
    </fieldset>
  );
}

interface OrderFieldProps {
  value: 'urgency' | undefined;
  onChange: (order: 'urgency' | undefined) => void;
}

function OrderField({ value, onChange }: OrderFieldProps) {
  return (
    <div className="sm:ml-auto">
      <Field label="Order">
        {(attributes) => (
          <select
            {...attributes}
            className="control"
            value={value ?? 'name'}
            onChange={(event) => onChange(event.target.value === 'urgency' ? 'urgency' : undefined)}
          >
            <option value="name">By name</option>
            <option value="urgency">What needs attention first</option>
          </select>
        )}
      </Field>
    </div>
  );
}
