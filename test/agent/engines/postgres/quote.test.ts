import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keptName, scratchName } from '../../../../agent/engines/postgres/database.ts';
import { mapRoles } from '../../../../agent/engines/postgres/map-roles.ts';
import {
  conninfo,
  cutUtf8,
  passfileLine,
  quoteIdent,
  quoteLiteral,
} from '../../../../agent/engines/postgres/quote.ts';
import { settingClause } from '../../../../agent/engines/postgres/roles.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.stop());

const text = fc.string({ unit: 'grapheme', maxLength: 30 }).map((value) => value.replaceAll('\0', ''));
const hostile = fc.oneof(
  text,
  fc.constantFrom(`'`, `"`, `\\`, `\\'; DROP TABLE x; --`, '$(x)', '-h', 'a=b', '\n', '🎉', `E'\\''`),
);

describe('quoting', () => {
  test('literals and identifiers come back from the server as they were', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 20 }), async (values) => {
        const columns = values.map(
          (value, index) => `${quoteLiteral(value)} AS ${quoteIdent(`${index}${cutUtf8(value, 50)}`)}`,
        );
        const [row] = await postgres.query(`SELECT ${columns.join(', ')}`);
        expect(row).toEqual(
          Object.fromEntries(values.map((value, index) => [`${index}${cutUtf8(value, 50)}`, value])),
        );
      }),
      { numRuns: 25 },
    );
  });

  test('a NUL and a password with a line break are refused', () => {
    expect(() => quoteIdent('a\0b')).toThrow('invalid_input');
    expect(() => passfileLine('a\nb')).toThrow('invalid_input');
    expect(passfileLine('a:b\\c')).toBe('*:*:*:*:a\\:b\\\\c\n');
  });

  test('connection strings quote every value', () => {
    expect(conninfo({ host: '/tmp', port: 1, dbname: `a=b 'c' \\` })).toBe(
      `host='/tmp' port='1' dbname='a=b \\'c\\' \\\\'`,
    );
  });

  test('settings: lists stay lists, values stay values', () => {
    expect(settingClause('search_path="$user", public, "a ""b, c"')).toBe(
      `"search_path" TO '$user', 'public', 'a "b, c'`,
    );
    expect(settingClause('DateStyle=SQL, DMY')).toBe(`"DateStyle" TO 'SQL, DMY'`);
    expect(settingClause('app.x=a=b')).toBe(`"app"."x" TO 'a=b'`);
    expect(settingClause('search_path=')).toBe(`"search_path" TO ''`);
  });
});

describe('names of databases', () => {
  test('fit 63 bytes, split no character and never collide', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }), (name) => {
        const at = new Date('2026-11-23T14:28:23Z');
        const first = keptName(name, at, new Set());
        const second = keptName(name, at, new Set([first]));
        expect(first).toMatch(/_before_20261123142823$/);
        expect(second).not.toBe(first);
        for (const made of [first, second, scratchName(name, 'abcd1234')]) {
          expect(Buffer.byteLength(made)).toBeLessThanOrEqual(63);
          expect(Buffer.from(made).toString('utf8')).toBe(made);
        }
        expect(name.startsWith(cutUtf8(name, 20))).toBe(true);
      }),
    );
  });
});

describe('mapping roles', () => {
  const map = (role: string) => ({ gone: 'New', 'Odd "x"': 'New' })[role] ?? role;

  test.each([
    [
      'ACL',
      'GRANT SELECT ON TABLE public.gone TO gone WITH GRANT OPTION;\nREVOKE ALL ON TABLE public.gone FROM PUBLIC;',
      'GRANT SELECT ON TABLE public.gone TO "New" WITH GRANT OPTION;\nREVOKE ALL ON TABLE public.gone FROM PUBLIC;',
    ],
    [
      'ACL',
      'SET SESSION AUTHORIZATION gone;\nGRANT ALL ON TABLE public."TO" TO "Odd ""x""";\nRESET SESSION AUTHORIZATION;',
      'SET SESSION AUTHORIZATION "New";\nGRANT ALL ON TABLE public."TO" TO "New";\nRESET SESSION AUTHORIZATION;',
    ],
    [
      'DEFAULT ACL',
      'ALTER DEFAULT PRIVILEGES FOR ROLE gone IN SCHEMA role GRANT SELECT ON TABLES TO gone;',
      'ALTER DEFAULT PRIVILEGES FOR ROLE "New" IN SCHEMA role GRANT SELECT ON TABLES TO "New";',
    ],
    [
      'POLICY',
      `CREATE POLICY gone ON s.gone FOR SELECT TO gone, here, "Odd ""x""" USING ((a = 'TO gone'::text));`,
      `CREATE POLICY gone ON s.gone FOR SELECT TO "New", here, "New" USING ((a = 'TO gone'::text));`,
    ],
    [
      'USER MAPPING',
      `CREATE USER MAPPING FOR gone SERVER gone OPTIONS (user 'gone');`,
      `CREATE USER MAPPING FOR "New" SERVER gone OPTIONS (user 'gone');`,
    ],
    ['FUNCTION', 'CREATE FUNCTION gone() TO gone', 'CREATE FUNCTION gone() TO gone'],
  ])('%s', (desc, before, after) => {
    expect(mapRoles(desc, before, map)).toBe(after);
    expect(mapRoles(desc, before, (role) => role)).toBe(before);
  });
});
