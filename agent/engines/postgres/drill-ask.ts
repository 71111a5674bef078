import pg from 'pg';
import { fail } from '../../../protocol/failure.ts';
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
    // By the extended protocol, which takes one statement, and inside another, which takes two rows at most.
    const text = `SELECT * FROM (${query.replace(/[\s;]+$/, '')}\n) AS assertion LIMIT 2`;
    const how = { text, rowMode: 'array', queryMode: 'extended' } as pg.QueryArrayConfig;
    const { rows } = await client.query(how);
    if (rows.length !== 1) throw notOne(rows.length);
    return rows[0]?.[0];
  } catch (error) {
    signal.throwIfAborted();
    throw told(error, timeoutMs);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await leave(client);
  }
}

function notOne(rows: number) {
  return fail(
    'invalid_input',
    rows === 0 ? 'The query gives no row.' : 'The query gives more than one row.',
    'Make it give exactly one, e.g. with count(*) or EXISTS.',
  );
}

/** Without the server's words, unless they can only be about the query: others quote values. */
function told(error: unknown, timeoutMs: number) {
  if (!(error instanceof pg.DatabaseError)) return error;
  const { code = '', message } = error;
  if (code === '57014')
    return fail(
      'invalid_input',
      `The query took longer than ${timeoutMs / 1000} s.`,
      'Make it cheaper, or have an index serve it.',
    );
  return fail(
    'invalid_input',
    TELLING.test(code)
      ? `The query failed: ${message.slice(0, 300)}.`
      : `The query failed with SQLSTATE ${code}.`,
    'Correct the query; try it on the database itself.',
  );
}
