import { describe, expect, test } from 'vitest';
import { parseVersion, versionNumber } from '../../../../agent/engines/mysql/flavour.ts';
import { holds, parseGrant } from '../../../../agent/engines/mysql/grants.ts';
import { optionFile } from '../../../../agent/engines/mysql/option-file.ts';
import {
  grantDatabase,
  parseAccount,
  quoteAccount,
  quoteIdent,
  quoteLiteral,
} from '../../../../agent/engines/mysql/quote.ts';

describe('names and literals', () => {
  test('are quoted whatever is in them', () => {
    expect(quoteIdent('a`b"c\\')).toBe('`a``b"c\\`');
    expect(quoteLiteral(`it's a \\ back`)).toBe(`'it\\'s a \\\\ back'`);
    expect(() => quoteIdent('a\0b')).toThrow('NUL');
  });

  test('a database in a grant is no pattern', () => {
    expect(grantDatabase('my_db%')).toBe('`my\\_db\\%`');
  });

  test('accounts', () => {
    expect(parseAccount('a@b@localhost')).toEqual({ user: 'a@b', host: 'localhost' });
    expect(quoteAccount(`o'dd@%`)).toBe(`'o\\'dd'@'%'`);
    expect(quoteAccount('@localhost')).toBe(`''@'localhost'`);
    expect(quoteAccount('role@')).toBe('`role`');
  });
});

test.each([
  ['10.11.19-MariaDB-0+deb12u1', 'mariadb', 101_119],
  ['5.5.5-10.11.19-MariaDB', 'mariadb', 101_119],
  ['8.4.3', 'mysql', 80_403],
  ['9.7.4-2', 'mysql', 90_704],
  ['8.0.36-28', 'mysql', 80_036],
] as const)('version %s', (text, flavour, number) => {
  expect(parseVersion(text)).toMatchObject({ flavour, versionNumber: number });
});

test('what is no version is none', () => {
  expect(parseVersion('HTTP/1.1 400')).toBeUndefined();
  expect(versionNumber('1')).toBe(0);
});

describe('grants', () => {
  const parse = (...lines: string[]) => lines.map(parseGrant).filter((grant) => grant !== undefined);

  test.each([
    ['GRANT SELECT, SHOW VIEW ON `app`.* TO `u`@`%`', 'SHOW VIEW', true],
    ['GRANT SELECT ON *.* TO `u`@`%` WITH GRANT OPTION', 'SELECT', true],
    ['GRANT ALL PRIVILEGES ON `a%`.* TO `u`@`%`', 'EVENT', true],
    ['GRANT SHOW_ROUTINE,SET_ANY_DEFINER ON *.* TO `u`@`%`', 'SET_ANY_DEFINER', true],
    ['GRANT SELECT ON `a\\_p`.* TO `u`@`%`', 'SELECT', false],
    ['GRANT SELECT ON `a_p`.* TO `u`@`%`', 'SELECT', true],
    ['GRANT SELECT ON `app`.`t` TO `u`@`%`', 'SELECT', false],
    ['GRANT SELECT (`a`, `b`) ON `app`.`t` TO `u`@`%`', 'SELECT', false],
    ['GRANT `role`@`%` TO `u`@`%`', 'SELECT', false],
  ])('%s', (line, privilege, held) => {
    expect(holds(parse(line), privilege, 'app')).toBe(held);
  });
});

test('an option file holds any password, and no option of a password’s own', () => {
  const password = `a"b'c\\d#e\nssl-mode=DISABLED\n`;
  const connection = { host: 'db', port: 3306, user: 'u', tls: 'prefer' as const };
  const file = optionFile({ connection, password }, { flavour: 'mysql', tls: true });
  expect(file).toContain(`password="a\\"b\\'c\\\\d#e\\nssl-mode=DISABLED\\n"\n`);
  expect(file.match(/^ssl-mode=.*$/gm)).toEqual(['ssl-mode=REQUIRED']);
  expect(file).toContain('[mysql]\nlocal-infile=0\n');
});
