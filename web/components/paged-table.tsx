import { type QueryKey, type UseQueryOptions, useQueries } from '@tanstack/react-query';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useRef, useState } from 'react';
import { PAGE_ROWS } from '../api/queries.ts';
import type { Page } from '../api/rpc.ts';
import { type Column, cellClass, TableHead, TableRow } from './table.tsx';

interface PagedTableProps<T, Key extends QueryKey> {
  label: string;
  columns: Column<T>[];
  rowKey: (row: T) => string;
  /** Asks for the page that begins at a row. */
  page: (offset: number) => UseQueryOptions<Page<T>, Error, Page<T>, Key>;
  /** Rows of all pages. */
  total: number;
}

/** Height of a row before it is measured, in pixels. */
const ROW = 61;
/** Rows drawn above and below what is in sight. */
const BEYOND = 8;

/**
 * Rows of a list that may be as long as it likes: only those in sight are drawn, and only their pages are fetched and
 * kept current. Lists of one page are drawn whole.
 */
export function PagedTable<T, Key extends QueryKey>(props: PagedTableProps<T, Key>) {
  const { columns, label, total } = props;
  const long = total > PAGE_ROWS;
  const table = useRef<HTMLTableElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const above = table.current?.getBoundingClientRect().top ?? 0;
    setTop(above + window.scrollY);
  }, []);
  const rows = useWindowVirtualizer({
    count: long ? total : 0,
    estimateSize: () => ROW,
    overscan: BEYOND,
    scrollMargin: top,
  });
  const seen = rows.getVirtualItems();
  const from = long ? (seen[0]?.index ?? 0) : 0;
  const to = long ? (seen.at(-1)?.index ?? 0) : total - 1;
  const above = long ? (seen[0]?.start ?? top) - top : 0;
  const below = long ? rows.getTotalSize() - ((seen.at(-1)?.end ?? top) - top) : 0;
  const rowAt = useRowsBetween(props, from, to);
  const indices = Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);
  return (
    <div className="overflow-x-auto">
      <table
        ref={table}
        className={`w-full border-collapse ${long ? 'lg:table-fixed' : ''}`}
        aria-label={label}
        aria-rowcount={total + 1}
      >
        <TableHead columns={columns} />
        <Gap height={above} />
        <tbody>
          {indices.map((index) => {
            const row = rowAt(index);
            const place = { 'data-index': index, 'aria-rowindex': index + 2 };
            const measured = long ? { ...place, ref: rows.measureElement } : place;
            if (row === undefined) return <PendingRow key={index} columns={columns} place={measured} />;
            return <TableRow key={props.rowKey(row)} row={row} columns={columns} place={measured} />;
          })}
        </tbody>
        <Gap height={below} />
      </table>
    </div>
  );
}

/** The rows of those pages that some rows are on; undefined where they are on their way. */
function useRowsBetween<T, Key extends QueryKey>(
  { page }: PagedTableProps<T, Key>,
  from: number,
  to: number,
): (index: number) => T | undefined {
  const first = Math.floor(from / PAGE_ROWS);
  const count = Math.max(1, Math.floor(to / PAGE_ROWS) - first + 1);
  const pages = useQueries({
    queries: Array.from({ length: count }, (_, n) => page((first + n) * PAGE_ROWS)),
  });
  return (index) => pages[Math.floor(index / PAGE_ROWS) - first]?.data?.rows[index % PAGE_ROWS];
}

/** Stands for the rows that are not drawn. */
function Gap({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tbody aria-hidden="true">
      <tr>
        <td style={{ height, padding: 0 }} />
      </tr>
    </tbody>
  );
}

interface PendingRowProps<T> {
  columns: Column<T>[];
  place: { 'data-index': number; 'aria-rowindex': number };
}

function PendingRow<T>({ columns, place }: PendingRowProps<T>) {
  return (
    <tr {...place} className="border-b border-line last:border-b-0">
      {columns.map((column, index) => (
        <td key={column.header} className={cellClass(column, index === 0)}>
          <div aria-hidden className="h-9 rounded-control bg-raised" />
        </td>
      ))}
    </tr>
  );
}
