import { type FailureError, fail } from '../../protocol/failure.ts';

/**
 * A query inside another: as a derived table it can be nothing but one query, and gives two rows at most.
 * @param query of a person; trailing semicolons are left out
 */
export function asAssertion(query: string): string {
  return `SELECT * FROM (${query.replace(/[\s;]+$/, '')}\n) AS assertion LIMIT 2`;
}

/** An assertion that gives another number of rows than one. */
export function notOneRow(rows: number, example: string): FailureError {
  return fail(
    'invalid_input',
    rows === 0 ? 'The query gives no row.' : 'The query gives more than one row.',
    `Make it give exactly one, e.g. with ${example} or EXISTS.`,
  );
}

export function tookTooLong(timeoutMs: number): FailureError {
  return fail(
    'invalid_input',
    `The query took longer than ${timeoutMs / 1000} s.`,
    'Make it cheaper, or have an index serve it.',
  );
}

/**
 * An assertion that the server refuses.
 * @param code as people look it up, e.g. `error 1064`
 * @param message of the server; only where it can be about nothing but the query: others quote values
 */
export function refusedQuery(code: string, message: string | undefined): FailureError {
  return fail(
    'invalid_input',
    message === undefined ? `The query failed with ${code}.` : `The query failed: ${message.slice(0, 300)}.`,
    'Correct the query; try it on the database itself.',
  );
}
