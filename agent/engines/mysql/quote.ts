import { fail } from '../../../protocol/failure.ts';

/** Longest name of a database, table, routine …, in characters. */
export const MAX_NAME = 64;

/** `name` as an SQL identifier; always quoted, so that neither keyword lists nor ANSI_QUOTES matter. */
export function quoteIdent(name: string): string {
  return `\`${withoutNul(name).replaceAll('`', '``')}\``;
}

/** `text` as an SQL string literal, for sessions without NO_BACKSLASH_ESCAPES (ours are). */
export function quoteLiteral(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&').replaceAll('\0', '\\0')}'`;
}

/** `text` inside a LIKE pattern, or a database's name in `GRANT … ON`, where `_` and `%` are wildcards too. */
export function escapePattern(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}

/** A database's name as `GRANT … ON` takes it, for that database alone. */
export function grantDatabase(name: string): string {
  // A backslash itself has no escape there, and needs none: it is one only before `_` and `%`.
  return quoteIdent(name.replace(/[%_]/g, '\\$&'));
}

/** An account of the server: `'user'@'host'`. */
export interface Account {
  user: string;
  host: string;
}

/** Takes `user@host` apart, as CURRENT_USER() gives it: users may hold an `@`, hosts may not. */
export function parseAccount(text: string): Account {
  const at = text.lastIndexOf('@');
  return at < 0 ? { user: text, host: '%' } : { user: text.slice(0, at), host: text.slice(at + 1) };
}

/** An account as `user@host`, the way requirements and reports name it. */
export function accountText(account: Account): string {
  return `${account.user}@${account.host}`;
}

/** An account as SQL takes it. A MariaDB role, which has no host, is its name alone. */
export function quoteAccount(text: string): string {
  const { user, host } = parseAccount(text);
  return host === '' ? quoteIdent(user) : `${quoteLiteral(user)}@${quoteLiteral(host)}`;
}

function withoutNul(text: string): string {
  if (!text.includes('\0')) return text;
  throw fail('invalid_input', 'A name contains a NUL.', 'MySQL and MariaDB know no such name.');
}
