import type { Context } from 'hono';
import { z } from 'zod';

/** Most rows of a list that one answer has, and how many it has where nothing is said. */
export const MAX_ROWS = 500;
export const DEFAULT_ROWS = 100;

/** Header with how many rows the whole list has that an answer is a page of. */
export const TOTAL_HEADER = 'homeport-total';

/** Fields of the query of every list that can be long. */
export const pageFields = {
  limit: z.coerce.number().int().min(1).max(MAX_ROWS).default(DEFAULT_ROWS),
  offset: z.coerce.number().int().min(0).max(1_000_000_000).default(0),
};

/** What to look for in names. */
export const searchField = z.string().trim().max(255).optional();

/** Answers with the rows of a page, and with the number of all rows beside them. */
export function replyPage<T>(c: Context, { rows, total }: { rows: T[]; total: number }) {
  c.header(TOTAL_HEADER, String(total));
  return c.json(rows);
}
