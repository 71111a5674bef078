import { type QueryKey, type UseQueryOptions, useQueries } from '@tanstack/react-query';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useRef, useState } from 'react';
import { PAGE_ROWS } from '../api/queries.ts';
import type { Page } from '../api/rpc.ts';
import { type Column, cellClass, ROW_CLASS, TableHead, TableRow } from './table.tsx';

interface PagedTableProps<T, Key extends QueryKey> {
  label: string;
  columns: Column<T>[];
  rowKey: (row: T) => string;
  /** Asks for the page that begins at a row. */
  page: (offset: number) => UseQueryOptions<Page<T>, Error, Page<T>, Key>;
  /** Rows of all pages. */
  total: number;
}

/** Rows that are drawn and measured together: of each block its place is known, and a list may have 100,000 rows. */
const BLOCK = 10;
/** Height of a row before it is measured, in pixels. */
const ROW = 61;

/**
 * Rows of a list that may be as long as it likes: only those in sight are drawn, and only their pages are fetched and
 * kept current. Lists of one page are drawn whole.
 */
export function PagedTable<T, Key extends QueryKey>(props: PagedTableProps<T, Key>) {
  const { columns, label, total } = props;
  const long = total > PAGE_ROWS;
  const { blocks, measured, table } = useBlocksInSight(total);
  const from = (blocks.seen[0] ?? 0) * BLOCK;
  const to = Math.min(total, ((blocks.seen.at(-1) ?? 0) + 1) * BLOCK) - 1;
  const rowAt = useRowsBetween(props, long ? from : 0, long ? to : total - 1);
  const shown = { columns, rowKey: props.rowKey, rowAt };
  return (
    <div className="overflow-x-auto">
      <table
        ref={table}
        className={`w-full border-collapse ${long ? 'lg:table-fixed' : ''}`}
        aria-label={label}
        aria-rowcount={total + 1}
      >
        <TableHead columns={columns} />
        <Gap height={long ? blocks.above : 0} />
        {!long && (
          <tbody>
            <Rows {...shown} from={0} end={total} />
          </tbody>
        )}
        {long &&
          blocks.seen.map((block) => (
            <tbody key={block} ref={measured} data-index={block}>
              <Rows {...shown} from={block * BLOCK} end={Math.min(total, (block + 1) * BLOCK)} />
            </tbody>
          ))}
        <Gap height={long ? blocks.below : 0} />
      </table>
    </div>
  );
}

interface RowsProps<T> extends Pick<PagedTableProps<T, QueryKey>, 'columns' | 'rowKey'> {
  rowAt: (index: number) => T | undefined;
  from: number;
  /** The row after the last. */
  end: number;
}

function Rows<T>({ columns, end, from, rowAt, rowKey }: RowsProps<T>) {
  const indices = Array.from({ length: Math.max(0, end - from) }, (_, n) => from + n);
  return indices.map((index) => {
    const row = rowAt(index);
    if (row === undefined) return <PendingRow key={index} columns={columns} index={index} />;
    return <TableRow key={rowKey(row)} row={row} columns={columns} index={index} />;
  });
}

/** Which blocks of a long list are in sight or next to it, and the heights of what is not drawn, in pixels. */
function useBlocksInSight(total: number) {
  const table = useRef<HTMLTableElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const above = table.current?.getBoundingClientRect().top ?? 0;
    setTop(above + window.scrollY);
  }, []);
  const virtual = useWindowVirtualizer({
    count: total > PAGE_ROWS ? Math.ceil(total / BLOCK) : 0,
    estimateSize: () => ROW * BLOCK,
    overscan: 1,
    scrollMargin: top,
  });
  const items = virtual.getVirtualItems();
  const blocks = {
    seen: items.map(({ index }) => index),
    above: (items[0]?.start ?? top) - top,
    below: virtual.getTotalSize() - ((items.at(-1)?.end ?? top) - top),
  };
  return { blocks, measured: virtual.measureElement, table };
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
  index: number;
}

function PendingRow<T>({ columns, index }: PendingRowProps<T>) {
  return (
    <tr aria-rowindex={index + 2} className={ROW_CLASS}>
      {columns.map((column, place) => (
        <td key={column.header} className={cellClass(column, place === 0)}>
          <div aria-hidden className="h-9 rounded-control bg-raised" />
        </td>
      ))}
    </tr>
  );
}
