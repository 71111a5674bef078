import { type Column, count, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';

/** Which rows of a list are wanted. */
export interface PageWish {
  limit: number;
  /** Rows before the first wanted. */
  offset: number;
}

/** Some rows of a list, and how many all of it has. */
export interface Page<T> {
  rows: T[];
  total: number;
}

/** Number of rows, for a select of its own. */
export const ROWS = { n: count() };

/** Whether a column has one of these values, however many: a list of places for them has a limit. */
export function among(column: Column | SQL, values: readonly (string | number)[]): SQL {
  return sql`${column} in (select value from json_each(${JSON.stringify(values)}))`;
}

/** The same, told not to be what the rows are found by: they are read in the order of the list and tried. */
export function alsoAmong(column: Column, values: readonly string[]): SQL {
  return sql`+${column} in (select value from json_each(${JSON.stringify(values)}))`;
}

/**
 * Whether each word of a search is in one of some columns, or the search is the id. Capital letters are as good as small
 * ones, of a to z.
 */
export function matching(
  q: string | undefined,
  id: SQLiteColumn,
  names: (SQLiteColumn | SQL)[],
): SQL | undefined {
  const words = wordsOf(q ?? '');
  if (q === undefined || words.length === 0) return undefined;
  const text = sql.join(names, sql` || char(10) || `);
  const each = words.map((word) => contains(sql`(${text})`, word));
  return sql`((${sql.join(each, sql` and `)}) or ${id} = ${q.trim()})`;
}

export function wordsOf(q: string): string[] {
  return q.split(/\s+/).filter(Boolean);
}

export function contains(text: Column | SQL, part: string): SQL {
  return sql`(${text}) like ${`%${literal(part)}%`} escape '\\'`;
}

/** As LIKE takes it, with `\` before what it would read as a pattern. */
export function literal(text: string): string {
  return text.replaceAll(/[%_\\]/g, '\\$&');
}
