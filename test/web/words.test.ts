import { describe, expect, test } from 'vitest';
import { fillRecipe, generatePassword } from '../../web/api/recipe.ts';
import { safeNext } from '../../web/app/guards.ts';
import { formatBytes, formatDuration } from '../../web/components/format.ts';
import { actText, detailTexts } from '../../web/pages/audit-words.ts';
import { objectTexts } from '../../web/pages/object-counts.ts';

describe('account recipes', () => {
  const recipe = {
    id: 'x',
    platform: 'Any',
    scope: 'single' as const,
    label: 'x',
    sql: "CREATE USER {user} PASSWORD '{password}'; GRANT ALL ON {database} TO {user}; -- {other}",
    note: '',
  };

  test('quote names and passwords, and fill nothing else', () => {
    const sql = fillRecipe(
      recipe,
      { user: 'o"b', password: "it's {user}", database: '`; --' },
      { identifierQuote: '"', backslashEscapes: false },
    );
    expect(sql).toBe(
      `CREATE USER "o""b" PASSWORD 'it''s {user}'; GRANT ALL ON "\`; --" TO "o""b"; -- {other}`,
    );
  });

  test('quote with the engine’s own mark', () => {
    expect(
      fillRecipe(
        { ...recipe, sql: '{database}' },
        { user: '', password: '', database: 'a`b' },
        { identifierQuote: '`', backslashEscapes: true },
      ),
    ).toBe('`a``b`');
  });

  test('generated passwords are long, plain and never the same', () => {
    const made = new Set(Array.from({ length: 100 }, generatePassword));
    expect(made.size).toBe(100);
    for (const password of made) expect(password).toMatch(/^[a-zA-Z2-9]{28}$/);
  });
});

test('sizes are binary, with three digits at most', () => {
  expect([0, 1023, 1024, 1536, 10_485_760, 1_395_864_371].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.00 KiB',
    '1.50 KiB',
    '10.0 MiB',
    '1.30 GiB',
  ]);
});

test('durations have two units at most', () => {
  expect([0.2, 8, 59.6, 200, 7500, 352_800].map(formatDuration)).toEqual([
    '< 1 s',
    '8 s',
    '1 min',
    '3 min 20 s',
    '2 h 5 min',
    '4 d 2 h',
  ]);
});

test('after signing in one only goes to a page of ours', () => {
  expect(safeNext('/jobs/1')).toBe('/jobs/1');
  expect(safeNext('/databases?q=a%09b#top')).toBe('/databases?q=a%09b#top');
  const hosts = [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/\n\\evil.example',
    '/jobs\nx',
  ];
  for (const evil of [...hosts, '/.//evil.example', 'jobs', 7, undefined]) {
    expect(safeNext(evil), String(evil)).toBeUndefined();
  }
});

test('objects are counted as people count them, without the archive’s bookkeeping', () => {
  const counts = { TABLE: 3, 'TABLE DATA': 3, INDEX: 1, ENCODING: 1, 'SEQUENCE OWNED BY': 2, STDSTRINGS: 1 };
  expect(objectTexts(counts)).toEqual(['3 tables', '1 index']);
  expect(objectTexts({ 'FK CONSTRAINT': 2, POLICY: 2, INDEX: 2, 'large objects': 1, TRIGGER: 0 })).toEqual([
    '2 foreign keys',
    '2 indexes',
    '2 policies',
    '1 large object',
  ]);
});

test('audit entries read as sentences; ids stay in the API', () => {
  expect(actText('job.cancel')).toBe('Job cancelled');
  expect(actText('moon.phase-changed')).toBe('Moon phase changed');
  const id = '3b409893-a150-4e97-a39f-e242841277d5';
  const details = { jobId: id, targetDatabase: 'shop then', names: ['a', 'b'], formerly: [] } as never;
  expect(detailTexts(details)).toEqual([
    ['target database', 'shop then'],
    ['names', 'a, b'],
    ['formerly', 'none'],
  ]);
});
