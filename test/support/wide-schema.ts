import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestMysql } from './mysql-family.ts';
import type { TestPostgres } from './postgres.ts';

const file = (name: string) => readFile(join(import.meta.dirname, name), 'utf8');

/** What PostgreSQL 13 does not know, in its own words. */
const BEFORE_14: readonly (readonly [string, string])[] = [
  ['mrng int4multirange', 'mrng int4range[]'],
  [`'{[1,3),[5,8)}'`, `'{"[1,3)","[5,8)"}'`],
  [
    'BEGIN ATOMIC SELECT g FROM generate_series(1, n) g; END',
    'AS $$ SELECT g FROM generate_series(1, n) g $$',
  ],
];

/** Makes a database with a little of everything the server knows, and the roles it needs. */
export async function createWidePostgres(server: TestPostgres, database: string): Promise<void> {
  let sql = await file('wide-schema.sql');
  if (server.major < 14) {
    for (const [now, then] of BEFORE_14) {
      if (!sql.includes(now)) throw new Error(`wide-schema.sql has no “${now}” any more.`);
      sql = sql.replace(now, () => then);
    }
  }
  await server.query('CREATE ROLE wide_owner; CREATE ROLE wide_reader LOGIN');
  await server.query(`CREATE DATABASE "${database}"`);
  await server.query(sql, database);
}

/** The same for MySQL and MariaDB; the database's own character set is an odd one. */
export async function createWideMysql(server: TestMysql, database: string): Promise<void> {
  await server.query(
    `CREATE USER wide_owner@'%'; CREATE USER 'wide reader'@localhost;
     CREATE DATABASE \`${database}\` CHARACTER SET latin1 COLLATE latin1_german2_ci`,
  );
  const extras = server.engine === 'mariadb' ? 'wide-schema-mariadb.sql' : 'wide-schema-mysql9.sql';
  await server.script(`${await file('wide-schema-mysql.sql')}\n${await file(extras)}`, database);
}
