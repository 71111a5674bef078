import { type HTMLAttributes, type ReactNode, type Ref, useState } from 'react';
import { Button } from './button.tsx';
import { count } from './format.ts';

export interface Column<T> {
  header: string;
  /** The cell of one row. */
  cell: (row: T) => ReactNode;
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
          {rows.slice(0, shown).map((row) => (
            <TableRow key={rowKey(row)} row={row} columns={columns} />
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
  /** Attributes that say where in a longer list it is. */
  place?: HTMLAttributes<HTMLTableRowElement> & { ref?: Ref<HTMLTableRowElement> };
}

export function TableRow<T>({ row, columns, place }: TableRowProps<T>) {
  return (
    <tr {...place} className="border-b border-line last:border-b-0 hover:bg-raised/60">
      {columns.map((column, index) => (
        <td key={column.header} className={`${cellClass(column, index === 0)} align-middle`}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
  );
}

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
