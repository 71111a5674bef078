import fc from 'fast-check';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseVersion } from '../../../../agent/engines/mysql/flavour.ts';
import type { Dialect } from '../../../../agent/engines/mysql/sql-lexicon.ts';
import { readSql } from '../../../../agent/engines/mysql/sql-scan.ts';
import type { TestMysql } from '../../../support/mysql-family.ts';
import { flavour, start } from './world.ts';

/**
 * A restore judges statements by its own reading of them, so it has to read them as the server does, whatever bytes,
 * character set and sql_mode: what one takes for a literal and the other for code is how a dump would smuggle code in.
 */
let server: TestMysql;
let raw: Connection;
let versionNumber = 0;
beforeAll(async () => {
  server = await start();
  const { host, port, password } = server;
  raw = await createConnection({ host, port, user: 'root', password });
  // As restores send a dump: a byte for each character.
  const { config } = raw as unknown as { config: object };
  Object.defineProperty(config, 'charsetNumber', { get: () => 8, set: () => {} });
  const [row] = await server.query('SELECT VERSION() AS version');
  versionNumber = parseVersion(String(row?.version))?.versionNumber ?? 0;
}, 60_000);
afterAll(async () => {
  await raw?.end();
  await server?.stop();
});

const byte = fc.constantFrom(
  ...[0x5c, 0x5c, 0x27, 0x22, 0x60, 0x40, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x95, 0xa0, 0xa1, 0xb1, 0xbf].map(
    (one) => String.fromCharCode(one),
  ),
  ...[0xc3, 0xa9, 0xe3, 0xf0, 0xfc, 0xfe, 0xff, 0x00, 0x1a].map((one) => String.fromCharCode(one)),
  ...['a', '1', ' ', '\n', ',', ';', '--', '-- ', '#', '/*', '*/', '/*!', '$$', '--\xa0', '--\xff', '--\x7f'],
);
const inside = fc.array(byte, { maxLength: 6 }).map((all) => all.join(''));
const version = fc.constantFrom(
  ...[
    '',
    ' ',
    '!',
    '! ',
    '!00000',
    '!00000 ',
    '!40000 ',
    '!40000',
    '!4000 ',
    '!50701 ',
    '!99999 ',
    '!99999',
    '!100000 ',
  ],
  ...[
    '!100601 ',
    '!080000 ',
    '!090000',
    '!090000 ',
    '!999999 ',
    'M!',
    'M! ',
    'M!100000 ',
    'M!100000',
    'M!50701 ',
  ],
  ...['M!999999 ', 'm! ', '!M', '!0900001 ', '+ '],
);
const comment = fc
  .tuple(
    version,
    fc.oneof(inside, fc.constantFrom(',2', ", 'x'", ' ,2 /* x */ ', ' ,2 /*!40000 ,3 */ ', '/*!99999 ,4 */')),
  )
  .map(([what, text]) => `/*${what}${text}*/`);
const literal = fc
  .tuple(fc.constantFrom("'", '"', "'"), inside)
  .map(([quote, text]) => `${quote}${text}${quote}`);
const name = inside.map((text) => `1 \`${text}\``);
const item = fc.oneof({ arbitrary: literal, weight: 4 }, name, fc.constant('1'));
const glue = fc.oneof(
  { arbitrary: fc.constant(' '), weight: 3 },
  comment,
  fc.constantFrom(
    ' -- x\n',
    "--\xa0'\n",
    " --\xa0 '\n",
    "#'\n",
    " -- '\n",
    "--'\n",
    '--1\n',
    '\xa0',
    '\xff',
    "--\x80'\n",
  ),
);
const end = fc.constantFrom(
  '',
  " -- '",
  ' -- "',
  ' -- `',
  " #'",
  " /* ' */",
  ' /*!40000 */',
  " /*!99999 ' */",
  ", '",
);
const statement = fc
  .tuple(fc.array(fc.tuple(glue, item, glue), { minLength: 1, maxLength: 3 }), end)
  .map(([items, tail]) => `SELECT ${items.map((parts) => parts.join('')).join(',')}${tail}`);

/** How many columns the server sees; `undefined` where it refuses the statement. */
async function columnsAtServer(sql: string): Promise<number | undefined> {
  try {
    return (await raw.query({ sql, rowsAsArray: true }))[1]?.length;
  } catch {
    return undefined;
  }
}

/** How many we see, and what would be sent; `undefined` where a restore would refuse it. */
function seenHere(statement: string, dialect: Dialect) {
  const read = readSql(Buffer.from(statement, 'latin1'), dialect);
  if (!read) return undefined;
  const commas = read.tokens.filter(({ kind, text }) => kind === 'sign' && text === ',');
  return { columns: commas.length + 1, sql: read.resolved.toString('latin1') };
}

const CHARSETS =
  'utf8mb4 utf8mb3 latin1 latin2 latin7 cp850 cp852 cp866 cp1250 cp1251 cp1256 hebrew greek hp8 macroman binary ascii big5 cp932 sjis gbk gb2312 ujis eucjpms euckr tis620 gb18030'
    .split(' ')
    .filter((charset) => charset !== 'gb18030' || flavour === 'mysql');

describe('statements are read as the server reads them', () => {
  test.each(CHARSETS)(
    '%s',
    async (charset) => {
      for (const mode of ['', 'NO_BACKSLASH_ESCAPES', 'ANSI_QUOTES']) {
        await raw.query(`SET character_set_client = ${charset}, sql_mode = '${mode}'`);
        const dialect: Dialect = {
          flavour,
          versionNumber,
          backslashes: mode !== 'NO_BACKSLASH_ESCAPES',
          ansiQuotes: mode === 'ANSI_QUOTES',
          charset,
        };
        await fc.assert(
          fc.asyncProperty(statement, async (original) => {
            const here = seenHere(original, dialect);
            const columns = here && (await columnsAtServer(here.sql));
            // What either side refuses compares nothing: another is made in its place.
            fc.pre(columns !== undefined);
            expect(here).toEqual({ ...here, columns });
          }),
          { numRuns: Number(process.env.RUNS ?? 100) },
        );
      }
    },
    60_000,
  );
});
