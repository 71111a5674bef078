import pg from 'pg';
import { asAssertion, notOneRow, refusedQuery, tookTooLong } from '../assertion.ts';
import type { PostgresServer } from './connect.ts';
import { DRILL_DATABASE } from './drill-world.ts';
import { Greetings } from './greeting.ts';
import { cut, leave, login } from './login.ts';

/** Messages of these SQLSTATE classes speak of the query, not of rows: syntax and names, missing rights. */
const TELLING = /^(42(601|703|704|P01|883|P02|702|803|501)|0A000|25006)$/;

interface Question {
  query: string;
  timeoutMs: number;
  signal: AbortSignal;
}

/**
 * Runs one query, read-only and for a limited time, with the names of its database's own search path; gives the first
 * column of its only row.
 */
export async function ask(server: PostgresServer, { query, signal, timeoutMs }: Question): Promise<unknown> {
  const client = await login(server, { database: DRILL_DATABASE, signal, greetings: new Greetings() });
  const onAbort = () => cut(client);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await client.query('BEGIN READ ONLY');
    await client.query(`SET LOCAL statement_timeout = ${Math.round(timeoutMs)}`);
    // By the extended protocol, which takes one statement.
    const how = { text: asAssertion(query), rowMode: 'array', queryMode: 'extended' } as pg.QueryArrayConfig;
    const { rows } = await client.query(how);
    if (rows.length !== 1) throw notOneRow(rows.length, 'count(*)');
    return rows[0]?.[0];
  } catch (error) {
    signal.throwIfAborted();
    throw told(error, timeoutMs);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await leave(client);
  }
}

/** Without the server's words, unless they can only be about the query: others quote values. */
function told(error: unknown, timeoutMs: number) {
  if (!(error instanceof pg.DatabaseError)) return error;
  const { code = '', message } = error;
  if (code === '57014') return tookTooLong(timeoutMs);
  return refusedQuery(`SQLSTATE ${code}`, TELLING.test(code) ? message : undefined);
}
