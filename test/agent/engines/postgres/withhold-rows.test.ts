import { expect, test } from 'vitest';
import { withholdRows } from '../../../../agent/engines/postgres/withhold-rows.ts';

/** What pg_restore prints where a row is refused; `value` may be anything. */
const refused = (value: string) =>
  [
    'pg_restore: error: COPY failed for table "people": ERROR:  new row for relation "people" violates check constraint "adult"',
    `DETAIL:  Failing row contains (1, ${value}).`,
    `CONTEXT:  COPY people, line 7: "1\t${value}"`,
  ].join('\n');

test('a row that was refused is not quoted, its place is', () => {
  for (const value of ['canary', 'can"a) "ry', 'can\nary', 'a\ncanary: x\n\ncanary']) {
    const shown = withholdRows(refused(value));
    expect(shown).not.toMatch(/can|ary/);
    expect(shown).toContain('violates check constraint "adult"');
    expect(shown).toContain('DETAIL:  Failing row contains (…).');
    expect(shown).toMatch(/CONTEXT: {2}COPY people, line 7: …$/);
  }
});

test.for([
  ['DETAIL:  Key (id, name)=(1, canary) already exists.', 'DETAIL:  Key (id, name)=(…) already exists.'],
  [
    'DETAIL:  Schlüssel »(id)=(canary)« existiert bereits.',
    'DETAIL:  Schlüssel »(id)=(…)« existiert bereits.',
  ],
  [
    'DETAIL:  Key (name)=(can\nary) (x) is duplicated.\nHINT:  Look.',
    'DETAIL:  Key (name)=(…) is duplicated.\nHINT:  Look.',
  ],
  [
    'DETAIL:  There are 2 other sessions using the database.',
    'DETAIL:  There are 2 other sessions using the database.',
  ],
  ['CONTEXT:  COPY t, Zeile 1, Spalte n: »canary«', 'CONTEXT:  COPY t, Zeile 1, Spalte n: …'],
  [
    'CONTEXT:  JSON data, line 1: {"canary\nCOPY t, line 1, column j: "canary"',
    'CONTEXT:  JSON data, line 1: …',
  ],
])('%s', ([said, shown]) => {
  expect(withholdRows(said as string)).toBe(shown);
});

test('a value that does not fit its column is not quoted', () => {
  const said =
    'pg_restore: error: COPY failed: ERROR:  invalid input syntax for type integer: "canary"\nCONTEXT:  COPY t, line 1, column n: "canary"';
  expect(withholdRows(said)).toBe(
    'pg_restore: error: COPY failed: ERROR:  invalid input syntax for type integer: …\nCONTEXT:  COPY t, line 1, column n: …',
  );
});

test('nor is it where a function of its table failed, which stands first in the context', () => {
  const said = (first: string) =>
    `pg_restore: error: COPY failed for table "people": ERROR:  invalid input syntax for type integer: "canary"\nCONTEXT:  ${first}\nCOPY people, line 1: "1\tcanary\tcan\nary"`;
  for (const first of [
    'PL/pgSQL function public.valid(text) line 3 at RETURN',
    'SQL function "valid" during startup',
  ]) {
    const shown = withholdRows(said(first));
    expect(shown).not.toMatch(/can|ary/);
    expect(shown).toContain(`CONTEXT:  ${first}\nCOPY people, line 1: …`);
  }
  const json =
    'pg_restore: error: ERROR:  invalid input syntax for type json\nDETAIL:  Token "canary" is invalid.\nCONTEXT:  JSON data, line 1: {"canary\nCOPY t, line 1, column j: "canary"';
  expect(withholdRows(json)).not.toContain('canary');
});

test('a value that looks like a label is none', () => {
  const said = (label: string) =>
    `pg_restore: error: COPY failed: ERROR:  no\nDETAIL:  Failing row contains (1, canary\n${label}:  more canary, x).\nCONTEXT:  COPY people, line 7: "1\tcanary"`;
  for (const label of ['NOTE', 'HINT', 'CANARY']) {
    const shown = withholdRows(said(label));
    expect(shown).not.toMatch(/canary/);
    expect(shown).toMatch(/\nCONTEXT: {2}COPY people, line 7: …$/);
  }
});

test('words about anything but rows stay as they are', () => {
  const said = [
    'pg_restore: error: could not execute query: ERROR:  relation "nowhere" does not exist',
    'LINE 1: SELECT * FROM nowhere',
    'Command was: CREATE VIEW v AS SELECT * FROM nowhere;',
    'DETAIL:  Role "x" is not permitted.',
    'CONTEXT:  SQL function "at_home" during inlining',
    'pg_restore: warning: errors ignored on restore: 1',
  ].join('\n');
  expect(withholdRows(said)).toBe(said);
});
