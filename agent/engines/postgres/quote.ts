import { fail } from '../../../protocol/failure.ts';

/** Longest name PostgreSQL keeps, in bytes. */
export const MAX_NAME_BYTES = 63;

/** `name` as an SQL identifier; always quoted, so that no keyword list is needed. */
export function quoteIdent(name: string): string {
  return `"${withoutNul(name).replaceAll('"', '""')}"`;
}

/** `text` as an SQL string literal, whatever `standard_conforming_strings` is. */
export function quoteLiteral(text: string): string {
  const quoted = withoutNul(text).replaceAll("'", "''");
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

/** A libpq connection string; each value quoted, so a database called `a=b` stays a database. */
export function conninfo(parts: Record<string, string | number>): string {
  return Object.entries(parts)
    .map(([key, value]) => `${key}='${withoutNul(String(value)).replace(/[\\']/g, '\\$&')}'`)
    .join(' ');
}

/**
 * The one line of a password file that matches any host, port, database and user.
 * Throws `invalid_input` for a password with a line break: the file format has no way to write one.
 */
export function passfileLine(password: string): string {
  if (/[\r\n\0]/.test(password)) {
    throw fail(
      'invalid_input',
      'The password contains a line break or a NUL.',
      'PostgreSQL’s client tools cannot take such a password from a file. Choose another one.',
    );
  }
  return `*:*:*:*:${password.replace(/[\\:]/g, '\\$&')}\n`;
}

/** The longest prefix of `name` that fits `bytes` bytes of UTF-8 and splits no character. */
export function cutUtf8(name: string, bytes: number): string {
  const encoded = Buffer.from(name);
  if (encoded.length <= bytes) return name;
  let end = bytes;
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return encoded.subarray(0, end).toString('utf8');
}

/** `name` + `suffix`, the name cut so that both fit {@link MAX_NAME_BYTES}. */
export function suffixedName(name: string, suffix: string): string {
  return cutUtf8(name, MAX_NAME_BYTES - Buffer.byteLength(suffix)) + suffix;
}

function withoutNul(text: string): string {
  if (text.includes('\0'))
    throw fail('invalid_input', 'A name contains a NUL.', 'PostgreSQL knows no such name.');
  return text;
}
