import { describe, expect, test } from 'vitest';
import { fillRecipe, generatePassword } from '../../web/api/recipe.ts';
import { safeNext } from '../../web/app/guards.ts';
import { formatBytes, formatDuration } from '../../web/components/format.ts';

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
    const sql = fillRecipe(recipe, { user: 'o"b', password: "it's {user}", database: '`; --' }, '"');
    expect(sql).toBe(
      `CREATE USER "o""b" PASSWORD 'it''s {user}'; GRANT ALL ON "\`; --" TO "o""b"; -- {other}`,
    );
  });

  test('quote with the engine’s own mark', () => {
    expect(
      fillRecipe({ ...recipe, sql: '{database}' }, { user: '', password: '', database: 'a`b' }, '`'),
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
  for (const evil of ['https://evil.example', '//evil.example', '/\\evil.example', 'jobs', 7, undefined]) {
    expect(safeNext(evil)).toBeUndefined();
  }
});
