import fc from 'fast-check';
import { flavour } from './world.ts';

/** Text that is hard to write down. */
const TEXTS = [
  '',
  'x',
  ' padded ',
  "it's",
  '\\',
  '\\\\',
  "\\'",
  '"',
  '`',
  'a\nb;\n',
  '\r\n',
  '\0',
  '\x1a',
  '\t',
  '%_',
];
const MORE = [
  '-- no comment',
  '/*!50000 x */',
  '*/',
  'DELIMITER ;;',
  ';;',
  "');",
  'NULL',
  'ünï',
  '日本',
  '😀',
  'ſ',
];
export const STRINGS: readonly string[] = [...TEXTS, ...MORE];

const ident = (name: string) => `\`${name.replaceAll('`', '``')}\``;
const literal = (text: string) => `'${text.replace(/[\\']/g, '\\$&').replaceAll('\0', '\\0')}'`;
const encoded = STRINGS.map((text) => `_utf8mb4 X'${Buffer.from(text).toString('hex')}'`);
const bytes = ["X''", "X'00'", "X'27225C0A1A00FF'", "X'E0A080'", "X'5C27'", "X'2D2D0A3B'"];

interface Type {
  sql: string;
  values: readonly string[];
  /** As an index names a part of it; nothing where it cannot be indexed. */
  part?: '' | '(5)';
  /** What may stand as its DEFAULT. */
  defaults?: readonly string[];
}

const number = (sql: string, ...values: string[]): Type => ({ sql, values, part: '', defaults: values });
const text = (charset: string): Type[] => {
  const tail = ` CHARACTER SET ${charset}`;
  const wide = { gbk: "_gbk X'815CBF5C'", sjis: "_sjis X'835C8140'", cp932: "_cp932 X'FA5C815F'" }[charset];
  const values = wide ? [...encoded, wide] : encoded;
  return [
    { sql: `varchar(60)${tail}`, values, part: '(5)', defaults: STRINGS.map(literal) },
    { sql: `char(20)${tail}`, values, part: '(5)', defaults: STRINGS.map(literal) },
    { sql: `mediumtext${tail}`, values, part: '(5)' },
  ];
};
const ENUM = "('a', 'it''s', 'b\\\\', 'c;', 'ü', '')";
const OWN: Record<'mysql' | 'mariadb', Type[]> = {
  mysql: [],
  mariadb: [
    number('uuid', "'00000000-0000-0000-0000-000000000000'", "'ffffffff-eeee-1ddd-8ccc-bbbbbbbbbbbb'"),
    number('inet6', "'::'", "'2001:db8::ff00:42:8329'", "'::ffff:192.0.2.1'"),
  ],
};
const TYPES: readonly Type[] = [
  number('tinyint', '-128', '127', '0'),
  number('int(7) unsigned zerofill', '0', '4294967295', '42'),
  number('bigint', '-9223372036854775808', '9223372036854775807'),
  number('bigint unsigned', '18446744073709551615', '9007199254740993'),
  number('decimal(65,30)', `-${'9'.repeat(35)}.${'9'.repeat(30)}`, '0.000000000000000000000000000001'),
  number('double', '1.7976931348623157e308', '-2.2250738585072014e-308', '0.1', '5e-324', '1e23', '-0e0'),
  number('float', '1.5', '-0.25', '123456'),
  number('bit(1)', "b'0'", "b'1'"),
  number('bit(64)', "b'1'", `b'${'1'.repeat(64)}'`, "b'101110000100111'"),
  number('date', "'0000-00-00'", "'9999-12-31'", "'2024-02-31'", "'2024-00-01'"),
  number(
    'datetime(6)',
    "'0000-00-00 00:00:00'",
    "'9999-12-31 23:59:59.999999'",
    "'1000-01-01 00:00:00.000001'",
  ),
  number('timestamp(6)', "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'", "'2024-03-31 02:30:00'"),
  number('time(6)', "'-838:59:59'", "'838:59:59'", "'-00:00:00.000001'"),
  number('year', '0', '1901', '2155'),
  number(`enum${ENUM}`, "'it''s'", "'b\\\\'", "''", "'ü'"),
  number("set('a', 'b', 'it''s', 'ü')", "''", "'a,ü'", "'it''s'"),
  { sql: 'binary(7)', values: bytes, part: '', defaults: bytes.slice(0, 3) },
  { sql: 'varbinary(40)', values: bytes, part: '(5)', defaults: bytes },
  { sql: 'longblob', values: [...bytes, "REPEAT(X'00FF5C27', 3000)"], part: '(5)' },
  { sql: 'json', values: [`'{"a": [1, "it\\\\u0027s", null, 1e5]}'`, "'[]'", `'"\\\\\\\\ 😀"'`, "'null'"] },
  {
    sql: 'geometry',
    values: ["ST_GeomFromText('POINT(1 -2.5)')", "ST_GeomFromText('LINESTRING(0 0,1e30 1)', 4326)"],
  },
  ...[
    'utf8mb4',
    'utf8mb4 COLLATE utf8mb4_bin',
    'latin1',
    'utf16',
    'ucs2',
    'gbk',
    'sjis',
    'cp932',
    'binary',
  ].flatMap(text),
  ...OWN[flavour],
];

const index = fc.nat({ max: 1_000_000 });
const column = fc.record({
  name: fc.constantFrom(
    'a',
    'b c',
    'd`e',
    "sel'ect",
    'ü',
    'x"y',
    '-- z',
    '日本',
    'f;',
    'select',
    '/*g*/',
    '\\h',
    ' i',
  ),
  type: fc.constantFrom(...TYPES),
  notNull: fc.boolean(),
  preset: fc.option(index),
  key: fc.constantFrom('', '', 'asc', 'desc'),
  derived: fc.constantFrom('', '', 'VIRTUAL', 'STORED'),
  comment: fc.option(fc.constantFrom(...STRINGS.filter((one) => !/[\0😀]/u.test(one)))),
  invisible: fc.constantFrom(false, false, false, true),
});
export type Column = typeof column extends fc.Arbitrary<infer T> ? T : never;
const table = fc.record({
  columns: fc.array(column, { minLength: 1, maxLength: 6 }),
  id: fc.constantFrom('', 'PRIMARY KEY', 'PRIMARY KEY AUTO_INCREMENT'),
  refers: fc.boolean(),
  options: fc.constantFrom(
    ...[
      '',
      'ENGINE = MyISAM',
      'DEFAULT CHARSET = latin1',
      'ROW_FORMAT = COMPRESSED',
      'AUTO_INCREMENT = 4711',
    ],
    ...["COMMENT = 'it''s; \\\\ `x`'", 'COLLATE = utf8mb4_bin', 'PARTITION BY HASH (id) PARTITIONS 3'],
  ),
  rows: fc.array(fc.array(fc.option(index), { minLength: 6, maxLength: 6 }), { maxLength: 8 }),
});
export type Table = typeof table extends fc.Arbitrary<infer T> ? T : never;

/** Some tables with their rows. */
export const schemas = fc.array(table, { minLength: 2, maxLength: 4 });

/** Anything goes in as it is: dates that are none, zero as an automatic value. */
const LOOSE = "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', time_zone = '+00:00'";
const IDS = ['0', '-1', '1', '2', '1000000', '7', '8', '9'];
const pick = <T>(from: readonly T[], at: number) => from[at % from.length] as T;
const named = ({ name }: Column, at: number) => ident(`${name}${at}`);
const nameOf = (at: number) => ident(['plain', "it's", 'sp ace', '`'][at] ?? `t${at}`);

function columnSql(one: Column, at: number): string {
  const { type, notNull, preset, comment, invisible } = one;
  const value = preset === null || !type.defaults ? '' : ` DEFAULT ${pick(type.defaults, preset)}`;
  // What has no default must be seen, or no row could name it.
  const hidden = invisible && (value || !notNull) ? ' INVISIBLE' : '';
  const said = comment === null ? '' : ` COMMENT ${literal(comment)}`;
  return `${named(one, at)} ${type.sql}${notNull ? ' NOT NULL' : ' NULL'}${value}${hidden}${said}`;
}

/** Whether a table may refer to the one before it. */
function refersTo(tables: readonly Table[], at: number): boolean {
  const [made, before] = [tables[at], tables[at - 1]];
  const able = (one: Table | undefined) => one !== undefined && !/PARTITION|MyISAM/.test(one.options);
  return Boolean(made?.refers && before?.id) && able(made) && able(before);
}

/** Statements that make a table and fill it, each tried alone: the servers refuse some combinations. */
export function statements(tables: readonly Table[], at: number): { create: string; fill: string } {
  const made = tables[at] as Table;
  const columns = made.columns.map(columnSql);
  const extra = made.columns.flatMap((one, n) => [
    ...(one.derived
      ? [
          `${ident(`${one.name} of ${n}`)} varchar(99) AS (IF(${named(one, n)} IS NULL, 'it''s', '\\\\')) ${one.derived}`,
        ]
      : []),
    ...(one.key && one.type.part !== undefined
      ? [`KEY ${ident(`k ${one.name}${n}`)} (${named(one, n)}${one.type.part} ${one.key})`]
      : []),
  ]);
  const up = refersTo(tables, at)
    ? [`up int, FOREIGN KEY (up) REFERENCES ${nameOf(at - 1)} (id) ON DELETE SET NULL`]
    : [];
  const all = [`id int ${made.id}`, ...columns, ...up, ...extra];
  const name = nameOf(at);
  const rows = made.rows.map((cells, n) => {
    const values = made.columns.map((one, c) => {
      const cell = cells[c] ?? null;
      return cell === null && !one.notNull ? 'NULL' : pick(one.type.values, cell ?? 0);
    });
    return `INSERT IGNORE INTO ${name} (id, ${made.columns.map(named).join(', ')}) VALUES (${[IDS[n], ...values].join(', ')})`;
  });
  return {
    create: `${LOOSE}; CREATE TABLE ${name} (${all.join(', ')}) ${made.options}; CREATE VIEW ${ident(`view of ${at}`)} AS SELECT * FROM ${name}`,
    fill: [LOOSE, ...rows].join(';\n'),
  };
}
