import { type Column, getTableColumns, getTableName, type InferInsertModel } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Db } from '../../control-plane/db/open.ts';

/** One prepared statement for all of them: the columns are those of the first row. */
export function insertAll<T extends SQLiteTable>(
  db: Db,
  table: T,
  rows: Iterable<InferInsertModel<T>>,
): void {
  const columns = getTableColumns(table);
  let insert: { run(...values: unknown[]): unknown } | undefined;
  let names: string[] = [];
  for (const row of rows as Iterable<Record<string, unknown>>) {
    if (!insert) {
      names = Object.keys(row);
      const places = names.map(() => '?').join(', ');
      const into = names.map((name) => `"${columns[name]?.name}"`).join(', ');
      insert = db.$client.prepare(`insert into "${getTableName(table)}" (${into}) values (${places})`);
    }
    insert.run(...names.map((name) => toDriver(columns[name], row[name])));
  }
}

/** Drizzle does this for each row, and much else: a minute's worth for a million of them. */
function toDriver(column: Column | undefined, value: unknown): unknown {
  return value === null || value === undefined ? null : column?.mapToDriverValue(value);
}
