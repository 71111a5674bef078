import type { ObjectKind } from './requirements.ts';
import type { Token } from './sql-scan.ts';
import type { TokenCursor } from './token-cursor.ts';

/** Part of a statement, in bytes. */
export interface Span {
  start: number;
  end: number;
}

/** A CREATE of a dump. */
export interface Created {
  kind: 'create';
  what: ObjectKind;
  name: string;
  /** A view's stand-in, made first so that others may refer to it; it reads nothing. */
  placeholder?: true;
  /** `DEFINER=…` with the account; the account is `user@host`, a role's is its name with `@`. */
  definer?: Span & { account: string };
  /** Where a definer would stand. */
  definerAt?: number;
  /** The table a trigger is on. */
  table?: string;
  /** Databases that names in its head are qualified with, and where. */
  qualifiers?: readonly (Span & { database: string })[];
  /** Databases that a table's defaults name sequences in, and a routine libraries. */
  within?: readonly (Span & { database: string })[];
  /** Of a table: where it says in which directories of the server its files are. */
  directories?: readonly Span[];
  /** Of a table: its storage engines, in lower case. */
  engines?: readonly string[];
  /** Of an event: whether it ends at some time, after which the server does not even make it. */
  lapses?: boolean;
  /** Of an event: the word that lets it run, or `undefined` where it is disabled already. */
  enabled?: Span | undefined;
}

/** Reads what follows CREATE; `undefined` for all that a dump tool does not write. */
export function readCreate(cursor: TokenCursor): Created | undefined {
  if (cursor.words('TABLE')) return readTable(cursor);
  if (cursor.words('SEQUENCE')) return readSequence(cursor);
  if (cursor.words('LIBRARY')) return readLibrary(cursor);
  const definerAt = cursor.next?.start ?? 0;
  cursor.words('OR', 'REPLACE');
  if (cursor.words('ALGORITHM')) {
    if (!cursor.sign('=') || !cursor.kind('word')) return undefined;
  }
  cursor.words('MATERIALIZED');
  const at = cursor.next?.start ?? definerAt;
  const definer = readDefiner(cursor);
  if (definer === null) return undefined;
  if (cursor.words('SQL', 'SECURITY') && !cursor.words('DEFINER') && !cursor.words('INVOKER'))
    return undefined;
  const who = { definerAt: at, ...(definer ? { definer } : {}) };
  const found = readDefined(cursor, definer !== undefined);
  return found && { ...found, ...who };
}

/** `DEFINER=account`; `undefined` where there is none, `null` where it is none that a dump writes. */
function readDefiner(cursor: TokenCursor): (Span & { account: string }) | undefined | null {
  const start = cursor.next?.start ?? 0;
  if (!cursor.words('DEFINER')) return undefined;
  if (!cursor.sign('=')) return null;
  const user = accountPart(cursor.take());
  if (user === undefined) return null;
  const end = cursor.next?.start ?? 0;
  if (!cursor.sign('@')) return { start, end, account: `${user}@` };
  const host = cursor.take();
  const hostText = accountPart(host);
  return hostText === undefined ? null : { start, end: host?.end ?? 0, account: `${user}@${hostText}` };
}

function accountPart(token: Token | undefined): string | undefined {
  if (token?.kind === 'name') return utf8(token.text);
  // A backslash may escape, or not: dump tools quote accounts as names.
  if (token?.kind === 'text' && !token.text.includes('\\'))
    return utf8(token.text.slice(1, -1).replaceAll("''", "'").replaceAll('""', '"'));
  return undefined;
}

const utf8 = (latin1: string) => Buffer.from(latin1, 'latin1').toString('utf8');

function readDefined(cursor: TokenCursor, defined: boolean): Created | undefined {
  cursor.words('JSON', 'RELATIONAL', 'DUALITY');
  if (cursor.words('VIEW')) return readView(cursor, defined);
  if (cursor.words('TRIGGER')) return readTrigger(cursor);
  if (cursor.words('EVENT')) return readEvent(cursor);
  cursor.words('AGGREGATE');
  const what = (['FUNCTION', 'PROCEDURE'] as const).find((word) => cursor.words(word));
  if (what) return readRoutine(cursor, what.toLowerCase() as ObjectKind);
  if (!cursor.words('PACKAGE')) return undefined;
  return named(cursor, cursor.words('BODY') ? 'package body' : 'package');
}

function named(cursor: TokenCursor, what: ObjectKind): Created | undefined {
  const name = cursor.name();
  return name === undefined ? undefined : { kind: 'create', what, name };
}

/**
 * A table by its columns. Unquoted, `SELECT`, `TABLE` and `LIKE` at its start would take rows or a shape from elsewhere:
 * nothing that is dumped has them, since every name is quoted.
 */
function readTable(cursor: TokenCursor): Created | undefined {
  cursor.words('IF', 'NOT', 'EXISTS');
  const found = named(cursor, 'table');
  if (!found || !cursor.sign('(') || cursor.words('LIKE')) return undefined;
  const rest = cursor.rest();
  if (rest.some((_, index) => takesRows(rest, index))) return undefined;
  const sequences = rest.flatMap((token, index) => (isQualified(rest, index) ? [inDatabase(token)] : []));
  const places = [...optionsAt(rest, 'DATA', 'DIRECTORY'), ...optionsAt(rest, 'INDEX', 'DIRECTORY')];
  const directories = places.map(({ start, value }) => ({ start: start.start, end: value.end }));
  const engines = optionsAt(rest, 'ENGINE').map(({ value }) => plain(value).toLowerCase());
  return { ...found, within: sequences, directories, engines };
}

/** A default of a sequence's next number names the sequence with its database: ``nextval(`db`.`s`)``. */
function isQualified(tokens: readonly Token[], at: number): boolean {
  const is = (offset: number, kind: Token['kind'], text?: string) => {
    const token = tokens[at + offset];
    return token?.kind === kind && (text === undefined || token.text.toLowerCase() === text);
  };
  const called = is(-2, 'word', 'nextval') || is(-2, 'word', 'lastval');
  return called && is(-1, 'sign', '(') && is(0, 'name') && is(1, 'sign', '.') && is(2, 'name');
}

const inDatabase = ({ text, start, end }: Token) => ({ database: utf8(text), start, end });

/** `VALUES` alone belongs to partitions: `VALUES LESS THAN`, `VALUES IN`; else it makes rows, of files for one. */
function takesRows(tokens: readonly Token[], at: number): boolean {
  const word = wordAt(tokens, at);
  if (word === 'VALUES') return wordAt(tokens, at + 1) !== 'LESS' && wordAt(tokens, at + 1) !== 'IN';
  return word === 'SELECT' || word === 'TABLE';
}

const wordAt = (tokens: readonly Token[], at: number) =>
  tokens[at]?.kind === 'word' ? tokens[at].text.toUpperCase() : undefined;

/** `option = value`, as often as it stands there, partitions included; the equals sign may be missing. */
function optionsAt(tokens: readonly Token[], ...option: string[]): { start: Token; value: Token }[] {
  return tokens.flatMap((start, index) => {
    if (!option.every((word, offset) => wordAt(tokens, index + offset) === word)) return [];
    const next = index + option.length;
    const value = tokens[next]?.text === '=' ? tokens[next + 1] : tokens[next];
    return value ? [{ start, value }] : [];
  });
}

/** What a value names, whether it is quoted or not. */
const plain = ({ kind, text }: Token) => utf8(kind === 'text' ? text.slice(1, -1) : text);

function readSequence(cursor: TokenCursor): Created | undefined {
  const found = named(cursor, 'sequence');
  return found && cursor.rest().every(({ kind }) => kind !== 'name') ? found : undefined;
}

/** Code that routines share. It has no definer, and runs as what uses it does. */
function readLibrary(cursor: TokenCursor): Created | undefined {
  const found = named(cursor, 'library');
  if (!found || (cursor.words('COMMENT') && !cursor.kind('text'))) return undefined;
  if (!cursor.words('LANGUAGE') || !cursor.kind('word') || !cursor.words('AS')) return undefined;
  return (cursor.kind('body') || cursor.kind('text') || cursor.kind('word')) && cursor.done
    ? found
    : undefined;
}

/** A routine; one in another language names the libraries it uses with their database: ``USING (`db`.`l`)``. */
function readRoutine(cursor: TokenCursor, what: ObjectKind): Created | undefined {
  const found = named(cursor, what);
  // Without parameters, `RETURNS … SONAME` would load a library of the server's.
  if (cursor.next?.text !== '(') return undefined;
  const rest = cursor.rest();
  const using = rest.findIndex(({ kind, text }) => kind === 'word' && text.toUpperCase() === 'USING');
  if (!found || using < 0 || rest.at(-1)?.kind !== 'body' || rest[using + 1]?.text !== '(') return found;
  const close = rest.findIndex(({ kind, text }, index) => index > using && kind === 'sign' && text === ')');
  const within = rest
    .slice(using, close)
    .filter(({ kind }, index, all) => kind === 'name' && all[index + 1]?.text === '.')
    .map(inDatabase);
  return { ...found, within };
}

/** A view; without a definer it is the stand-in of one, and selects nothing but constants. */
function readView(cursor: TokenCursor, defined: boolean): Created | undefined {
  const found = named(cursor, 'view');
  if (!found || defined) return found;
  if (!cursor.words('AS', 'SELECT')) return undefined;
  do {
    const constant = cursor.word();
    if (constant === undefined || !/^(?:NULL|\d+)$/.test(constant)) return undefined;
    if (!cursor.words('AS') || cursor.name() === undefined) return undefined;
  } while (cursor.sign(','));
  return cursor.done ? { ...found, placeholder: true } : undefined;
}

/** A trigger stands in the dump as it was typed: names without quotes, and with the dumped database before them. */
function readTrigger(cursor: TokenCursor): Created | undefined {
  cursor.words('IF', 'NOT', 'EXISTS');
  const trigger = cursor.writtenName();
  if (!trigger || !cursor.word()) return undefined;
  // After BEFORE or AFTER: INSERT, UPDATE or DELETE, with OR between several.
  while (cursor.next?.kind === 'word' && cursor.next.text.toUpperCase() !== 'ON') cursor.take();
  const table = cursor.words('ON') ? cursor.writtenName() : undefined;
  if (!table) return undefined;
  const qualifiers = [trigger.qualifier, table.qualifier].filter((one) => one !== undefined);
  return { kind: 'create', what: 'trigger', name: trigger.name, table: table.name, qualifiers };
}

/** An event with its state, which stands after ON COMPLETION, outside of the schedule's expressions. */
function readEvent(cursor: TokenCursor): Created | undefined {
  const found = named(cursor, 'event');
  if (!found || !cursor.words('ON', 'SCHEDULE')) return undefined;
  // Literals only: the server computes expressions when it makes the event.
  let lapses = false;
  while (!cursor.words('ON', 'COMPLETION')) {
    const token = cursor.take();
    if (token?.kind !== 'word' && token?.kind !== 'text') return undefined;
    lapses ||= /^(?:AT|ENDS)$/i.test(token.text);
  }
  cursor.words('NOT');
  if (!cursor.words('PRESERVE')) return undefined;
  if (cursor.words('DISABLE')) return { ...found, lapses };
  const { next } = cursor;
  return cursor.words('ENABLE') && next
    ? { ...found, lapses, enabled: { start: next.start, end: next.end } }
    : undefined;
}
