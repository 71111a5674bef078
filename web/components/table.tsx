import { memo, type ReactNode, useState } from 'react';
import { Button } from './button.tsx';
import { count } from './format.ts';

export interface Column<T> {
  header: string;
  /** The cell of one row. */
  /** `index` is the row's place in the whole list, from 0. */
  cell: (row: T, index: number) => ReactNode;
  /** `wide`: left out on narrow screens, where the first column says the same in small. */
  show?: 'always' | 'wide';
  align?: 'end';
}

interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
}

const PAGE = 100;

export function cellClass<T>(column: Column<T>, first: boolean): string {
  // Only names may be broken anywhere; otherwise narrow screens squeeze the other columns to single letters.
  const width = first ? 'w-full lg:w-auto lg:min-w-44' : 'wrap-break-word';
  const shown = column.show === 'wide' ? 'hidden lg:table-cell' : '';
  const align = column.align === 'end' ? 'text-right whitespace-nowrap tabular-nums' : 'text-left';
  return `px-4 py-2.5 ${width} ${shown} ${align}`;
}

/** Rows with a head; long lists are drawn a hundred at a time. */
export function Table<T>({ label, columns, rows, rowKey }: TableProps<T>) {
  const [shown, setShown] = useState(PAGE);
  return (
    <div className="overflow-x-auto">
      <table className="w-full border-collapse" aria-label={label}>
        <TableHead columns={columns} />
        <tbody>
          {rows.slice(0, shown).map((row, index) => (
            <TableRow key={rowKey(row)} row={row} columns={columns} index={index} />
          ))}
        </tbody>
      </table>
      {rows.length > shown && (
        <div className="flex items-center justify-between gap-3 border-t border-line px-4 py-2.5 text-sm text-ink-3">
          {`${shown} of ${count(rows.length, 'row')}`}
          <Button size="small" onClick={() => setShown(shown + PAGE)}>
            Show more
          </Button>
        </div>
      )}
    </div>
  );
}

export function TableHead<T>({ columns }: { columns: Column<T>[] }) {
  return (
    <thead>
      <tr className="border-b border-line text-sm text-ink-3">
        {columns.map((column, index) => (
          <th
            key={column.header}
            scope="col"
            className={`${cellClass(column, index === 0)} py-2 font-medium whitespace-nowrap`}
          >
            {column.header}
          </th>
        ))}
      </tr>
    </thead>
  );
}

interface TableRowProps<T> {
  row: T;
  columns: Column<T>[];
  /** Its place in the whole list, from 0. */
  index: number;
}

/** A line below each row but the table's last. */
export const ROW_CLASS = 'border-b border-line [tbody:last-child>&:last-child]:border-b-0';

function Row<T>({ row, columns, index }: TableRowProps<T>) {
  return (
    <tr aria-rowindex={index + 2} className={`${ROW_CLASS} hover:bg-raised/60`}>
      {columns.map((column, at) => (
        <td key={column.header} className={`${cellClass(column, at === 0)} align-middle`}>
          {column.cell(row, index)}
        </td>
      ))}
    </tr>
  );
}

/** Drawn anew only if the row or the columns are other ones: a long table's rows stay as they are while it scrolls. */
export const TableRow = memo(Row) as typeof Row;

/** The link that names a row, with a second line of small facts. */
export function RowTitle({ children, note }: { children: ReactNode; note?: ReactNode }) {
  return (
    <div>
      <div className="font-medium [&_a]:rounded-sm [&_a:hover]:text-accent [&_a:hover]:underline">
        {children}
      </div>
      {note && <div className="text-sm text-ink-3">{note}</div>}
    </div>
  );
}
