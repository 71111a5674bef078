/** First version whose timestamps reach to 2106 (MariaDB, on 64-bit machines). */
const LONG_TIME = 110_500;

const SHORT = `,'2038-01-19 03:14:07.999999')`;
const LONG = `,'2106-02-07 06:28:15.999999')`;

/** An INSERT into a system-versioned table with the time each row was true: `row_end` is its last column. */
const HISTORY = /^[^(]{1,600}\((?:[^)]*[, ])?row_end\)\s*VALUES/;

/**
 * An INSERT of a MariaDB dump for a target that counts time further, or less far, than the dumped server did. A present
 * row's end is the end of all time, so with the other server's it would silently become a former one. In UTC, as dumps
 * are; a value within a text has its quotes escaped and is never meant.
 * @param sql its bytes as latin1; the length stays
 */
export function withTargetsEndOfTime(
  sql: string,
  target: { flavour: string; versionNumber: number },
): string {
  if (target.flavour !== 'mariadb' || !HISTORY.test(sql)) return sql;
  return target.versionNumber >= LONG_TIME ? sql.replaceAll(SHORT, LONG) : sql.replaceAll(LONG, SHORT);
}
