const ZERO = /([(,])-0(?=[,)])/;
const ZEROS = new RegExp(ZERO, 'g');

/**
 * An INSERT with its negative zeros written as what they are. MySQL’s dumps have `-0` for the DOUBLE of that value,
 * which reads as an integer and loses its sign; `-0e0` keeps it. Texts and names are left alone.
 * @param sql its bytes as latin1, for a session where `\` escapes
 * @param longest bytes a statement may have: one that would grow over it stays as it is
 */
export function withSignedZeros(sql: string, longest: number): string {
  if (!ZERO.test(sql)) return sql;
  const parts: string[] = [];
  for (let at = 0; at < sql.length; ) {
    const quoted = indexOf(sql, /['`]/g, at);
    parts.push(sql.slice(at, quoted).replace(ZEROS, '$1-0e0'));
    at = afterQuoted(sql, quoted);
    parts.push(sql.slice(quoted, at));
  }
  const grown = parts.join('');
  return grown.length > longest ? sql : grown;
}

/** Index of the next match, or the end. */
function indexOf(sql: string, what: RegExp, from: number): number {
  what.lastIndex = from;
  return what.exec(sql)?.index ?? sql.length;
}

/** Index after what is quoted at `at`; a doubled quote begins another such piece, which comes to the same. */
function afterQuoted(sql: string, at: number): number {
  if (sql[at] === '`') return indexOf(sql, /`/g, at + 1) + 1;
  const mark = /['\\]/g;
  let index = indexOf(sql, mark, at + 1);
  while (sql[index] === '\\') index = indexOf(sql, mark, index + 2);
  return index + 1;
}
