import { useQueryClient } from '@tanstack/react-query';
import type { MouseEvent } from 'react';
import { PAGE_ROWS, queries } from '../api/queries.ts';
import type { Database, DatabaseFilter } from '../api/types.ts';
import type { Picked } from '../components/picked.ts';

interface PickBoxProps {
  database: Database;
  picked: Picked<Database>;
  filter: DatabaseFilter;
  /** The database's place in the list of the filter. */
  index: number;
}

/** Picks a database, or drops it; with Shift picks all from the one clicked before to it. */
export function PickBox({ database, filter, index, picked }: PickBoxProps) {
  const client = useQueryClient();
  const onClick = async (event: MouseEvent<HTMLInputElement>) => {
    const from = picked.clickedAt(index);
    if (from === undefined || !event.shiftKey) return picked.toggle(database);
    const [first, end] = [Math.min(from, index), Math.max(from, index)];
    const pages = [];
    for (let at = first - (first % PAGE_ROWS); at <= end; at += PAGE_ROWS) {
      pages.push(client.fetchQuery({ ...queries.databases(filter, at), staleTime: 60_000 }));
    }
    const rows = (await Promise.all(pages)).flatMap((page) => page.rows);
    picked.add(rows.slice(first % PAGE_ROWS, (first % PAGE_ROWS) + end - first + 1));
  };
  return (
    <input
      type="checkbox"
      aria-label={`Pick ${database.name} on ${database.serverName}`}
      checked={picked.has(database)}
      onClick={(event) => void onClick(event)}
      onChange={() => undefined}
      className="size-4 shrink-0"
    />
  );
}
