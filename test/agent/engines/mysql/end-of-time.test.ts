import { expect, test } from 'vitest';
import { withTargetsEndOfTime } from '../../../../agent/engines/mysql/end-of-time.ts';

const SHORT = '2038-01-19 03:14:07.999999';
const LONG = '2106-02-07 06:28:15.999999';
const insert = (end: string, columns = '(`id`, `v`, row_start, row_end)') =>
  `INSERT INTO \`t\` ${columns} VALUES (1,'a','2024-01-01 00:00:00.000000','${end}'),(2,'b','2024-01-01 00:00:00.000000','2024-02-01 00:00:00.000000')`;
const mariadb = (versionNumber: number) => ({ flavour: 'mariadb', versionNumber });

test('present rows end when the target’s time does, former ones when they did', () => {
  expect(withTargetsEndOfTime(insert(SHORT), mariadb(110_800))).toBe(insert(LONG));
  expect(withTargetsEndOfTime(insert(LONG), mariadb(101_100))).toBe(insert(SHORT));
  expect(withTargetsEndOfTime(insert(SHORT), mariadb(101_100))).toBe(insert(SHORT));
  expect(withTargetsEndOfTime(insert(LONG), mariadb(110_800))).toBe(insert(LONG));
});

test('nothing else that looks alike is changed', () => {
  const plain = insert(SHORT, '');
  expect(withTargetsEndOfTime(plain, mariadb(110_800))).toBe(plain);
  const named = insert(SHORT, '(`id`, `v`, `w`, `row_end`)');
  expect(withTargetsEndOfTime(named, mariadb(110_800))).toBe(named);
  const text = `INSERT INTO \`t\` (\`v\`, row_start, row_end) VALUES ('a,\\'${SHORT}\\')','2024-01-01','2024-02-01')`;
  expect(withTargetsEndOfTime(text, mariadb(110_800))).toBe(text);
  expect(withTargetsEndOfTime(insert(SHORT), { flavour: 'mysql', versionNumber: 90_700 })).toBe(
    insert(SHORT),
  );
});
