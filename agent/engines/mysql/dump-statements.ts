import { type Created, readCreate } from './dump-creates.ts';
import type { Token } from './sql-scan.ts';
import { TokenCursor } from './token-cursor.ts';

/** What a statement of a dump is about; everything else is none that a dump tool writes at its top level. */
export type Statement =
  /** Nothing that a restore needs: it locks nothing, and each of its long statements is a transaction. */
  | { kind: 'skip' }
  /** Session variables; `assigned` in order, values as written. */
  | { kind: 'set'; assigned: Assignment[] }
  | { kind: 'drop'; what: string; name: string }
  /** `ALTER TABLE … KEYS`, `DO SETVAL(…)`, `ANALYZE TABLE … UPDATE HISTOGRAM`: about one table, to be run as it is. */
  | { kind: 'table'; name: string }
  /** Names the dumped database, which may have another name here. */
  | { kind: 'database'; charset: string; collation: string }
  | Created;

/** `variable = value` of a SET; user variables have their `@`. */
export interface Assignment {
  variable: string;
  value: Token | { kind: 'variable'; text: string };
}

/** Reads a resolved statement; `undefined` where no dump tool writes such a one. */
export function readStatement(tokens: readonly Token[]): Statement | undefined {
  const cursor = new TokenCursor(tokens);
  if (cursor.done) return { kind: 'skip' };
  const verb = cursor.word();
  const read = verb !== undefined && Object.hasOwn(READERS, verb) ? READERS[verb] : undefined;
  return read?.(cursor);
}

const READERS: Record<string, (cursor: TokenCursor) => Statement | undefined> = {
  SET: readSet,
  DROP: readDrop,
  CREATE: readCreate,
  LOCK: (cursor) => (cursor.words('TABLES') && cursor.name() !== undefined ? { kind: 'skip' } : undefined),
  UNLOCK: (cursor) => (cursor.words('TABLES') && cursor.done ? { kind: 'skip' } : undefined),
  COMMIT: (cursor) => (cursor.done ? { kind: 'skip' } : undefined),
  ALTER: readAlter,
  DO: readSetval,
  ANALYZE: readHistogram,
};

/** Variables of the session that dumps set; none of them needs a privilege, or reaches beyond the session. */
const VARIABLES = new Set(
  `CHARACTER_SET_CLIENT CHARACTER_SET_RESULTS COLLATION_CONNECTION TIME_ZONE UNIQUE_CHECKS FOREIGN_KEY_CHECKS
  SQL_MODE SQL_NOTES NOTE_VERBOSITY AUTOCOMMIT SYSTEM_VERSIONING_INSERT_HISTORY`.split(/\s+/),
);

function readSet(cursor: TokenCursor): Statement | undefined {
  const assigned: Assignment[] = [];
  if (cursor.words('NAMES')) {
    const charset = cursor.take();
    if (charset?.kind !== 'word' || !cursor.done) return undefined;
    return { kind: 'set', assigned: [{ variable: 'CHARACTER_SET_CLIENT', value: charset }] };
  }
  do {
    const variable = readVariable(cursor);
    if (variable === undefined || !cursor.sign('=')) return undefined;
    const value = cursor.next?.text === '@' ? readVariableValue(cursor) : readLiteral(cursor);
    if (!value) return undefined;
    assigned.push({ variable, value });
  } while (cursor.sign(','));
  return cursor.done ? { kind: 'set', assigned } : undefined;
}

/** `@mine`, `@@[SESSION.]system` or `[SESSION] system`; `undefined` for any other, GLOBAL ones above all. */
function readVariable(cursor: TokenCursor): string | undefined {
  const user = cursor.sign('@');
  const system = user && cursor.sign('@');
  const session = (!user || system) && (cursor.words('SESSION') || cursor.words('LOCAL'));
  if (session && system && !cursor.sign('.')) return undefined;
  const name = cursor.word();
  if (name === undefined) return undefined;
  if (user && !system) return `@${name}`;
  return VARIABLES.has(name) ? name : undefined;
}

function readVariableValue(cursor: TokenCursor): Assignment['value'] | undefined {
  const text = readVariable(cursor);
  return text === undefined ? undefined : { kind: 'variable', text };
}

function readLiteral(cursor: TokenCursor): Token | undefined {
  const token = cursor.take();
  return token?.kind === 'text' || token?.kind === 'word' ? token : undefined;
}

const DROPPED = ['TABLE', 'VIEW', 'SEQUENCE', 'EVENT', 'FUNCTION', 'PROCEDURE', 'TRIGGER', 'LIBRARY'];

function readDrop(cursor: TokenCursor): Statement | undefined {
  const what = cursor.words('PACKAGE', 'BODY')
    ? 'PACKAGE BODY'
    : cursor.words('PACKAGE')
      ? 'PACKAGE'
      : DROPPED.find((word) => cursor.words(word));
  if (!what || !cursor.words('IF', 'EXISTS')) return undefined;
  const name = cursor.name();
  return name !== undefined && cursor.done ? { kind: 'drop', what: what.toLowerCase(), name } : undefined;
}

function readAlter(cursor: TokenCursor): Statement | undefined {
  if (cursor.words('DATABASE')) return readAlterDatabase(cursor);
  const name = cursor.words('TABLE') ? cursor.name() : undefined;
  const keys = cursor.words('DISABLE', 'KEYS') || cursor.words('ENABLE', 'KEYS');
  return name !== undefined && keys && cursor.done ? { kind: 'table', name } : undefined;
}

/** Routines may have been made when the database had another collation: then the dump switches to it and back. */
function readAlterDatabase(cursor: TokenCursor): Statement | undefined {
  // mysqldump leaves out the quotes around a name that needs none.
  if (!cursor.kind('name') && !cursor.kind('word')) return undefined;
  if (!cursor.words('CHARACTER', 'SET')) return undefined;
  const charset = cursor.kind('word');
  const collation = cursor.words('COLLATE') ? cursor.kind('word') : undefined;
  if (!charset || !collation || !cursor.done) return undefined;
  return { kind: 'database', charset: charset.text, collation: collation.text };
}

function readSetval(cursor: TokenCursor): Statement | undefined {
  if (!cursor.words('SETVAL') || !cursor.sign('(')) return undefined;
  const name = cursor.name();
  const signs = cursor.rest().every((token) => /^(?:[,)-]|\d+)$/.test(token.text));
  return name !== undefined && signs ? { kind: 'table', name } : undefined;
}

function readHistogram(cursor: TokenCursor): Statement | undefined {
  const name = cursor.words('TABLE') ? cursor.name() : undefined;
  if (name === undefined || !cursor.words('UPDATE', 'HISTOGRAM', 'ON')) return undefined;
  return cursor.rest().some((token) => token.text === 'USING') ? undefined : { kind: 'table', name };
}
