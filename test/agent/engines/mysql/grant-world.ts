import type { ServerTarget } from '../../../../agent/engines/driver.ts';
import { mariadb, mysql } from '../../../../protocol/engines/mysql.ts';
import { recipe } from '../../../contract/mysql.ts';
import type { TestMysql } from '../../../support/mysql-family.ts';
import { mysqlFingerprint } from '../../../support/mysql-fingerprint.ts';
import { flavour, login, start } from './world.ts';

/** Statements as they are published for users to paste. */
export const CREATE_USER = `CREATE USER 'databasement'@'%' IDENTIFIED BY 'your_secure_password';`;
export const PUBLISHED = `GRANT SELECT, SHOW VIEW, TRIGGER, LOCK TABLES, PROCESS, EVENT, RELOAD,
      CREATE, DROP, ALTER, INDEX, INSERT, UPDATE, DELETE, REFERENCES
ON *.* TO 'databasement'@'%';

FLUSH PRIVILEGES;`;
/** The same for one database, without the two privileges that exist for a whole server alone. */
export const SINGLE = PUBLISHED.replace('*.*', 'database_name.*')
  .replace(' PROCESS,', '')
  .replace(' RELOAD,', '');

/** The GRANT of one of our own recipes. */
export function recipeOf(id: string): string {
  const { descriptor } = flavour === 'mysql' ? mysql : mariadb;
  const sql = recipe(descriptor, id, { user: 'databasement', password: '' });
  return sql.replace(/^CREATE USER.*\n/, '').replaceAll('{databasePattern}', '`database\\_name`');
}

const BACKUP = 'SELECT, SHOW VIEW, TRIGGER, EVENT';
export const ACCOUNTS = [
  { name: 'all databases', sql: PUBLISHED },
  { name: 'everything', sql: recipeOf('everything') },
  { name: 'one database', sql: SINGLE },
  { name: 'backup only, all databases', sql: `GRANT ${BACKUP} ON *.* TO 'databasement'@'%'` },
  { name: 'backup only, one database', sql: `GRANT ${BACKUP} ON database_name.* TO 'databasement'@'%'` },
];

/** What a database holds, and whether the target's binary log guards its programs. */
export type Contents = 'tables' | 'all kinds' | 'all kinds, binary log';

const TABLES = `
CREATE TABLE orders (id int PRIMARY KEY AUTO_INCREMENT, note varchar(50) UNIQUE, total decimal(8, 2) CHECK (total > 0),
  taxed decimal(8, 2) GENERATED ALWAYS AS (total * 1.19) STORED, facts json, KEY (total));
CREATE TABLE \`lines\` (order_id int, item varbinary(20), FOREIGN KEY (order_id) REFERENCES orders (id));
INSERT INTO orders (note, total, facts) VALUES ('ünï', 1.5, '{"a": 1}'), (NULL, 2, NULL), ('x', 3, '[]');
INSERT INTO \`lines\` VALUES (1, 0x00ff), (3, NULL);
`;
const PROGRAMS = `
DELIMITER //
CREATE DEFINER=app_owner@'%' FUNCTION doubled(x decimal(8, 2)) RETURNS decimal(8, 2) DETERMINISTIC RETURN x * 2//
CREATE DEFINER=app_owner@'%' PROCEDURE list() SELECT * FROM orders//
CREATE DEFINER=app_owner@'%' TRIGGER seen AFTER INSERT ON orders FOR EACH ROW INSERT INTO \`lines\` VALUES (NEW.id, 'seen')//
CREATE DEFINER=app_owner@'%' EVENT often ON SCHEDULE EVERY 1 DAY DO DELETE FROM \`lines\`//
DELIMITER ;
CREATE DEFINER=app_owner@'%' VIEW totals AS SELECT id, doubled(total) AS twice FROM orders;
CREATE DEFINER=app_owner@'%' VIEW big AS SELECT * FROM totals WHERE twice > 3;
`;
const OWN = {
  mysql: `CREATE DEFINER=boss@'%' PROCEDURE powerful() SELECT 1; CREATE DEFINER=boss@'%' VIEW mine AS SELECT 1 AS one;`,
  mariadb: `CREATE SEQUENCE numbers; SELECT NEXTVAL(numbers);`,
};

/** A server with one account under test. */
export interface GrantWorld extends AsyncDisposable {
  server: TestMysql;
  root: ServerTarget;
  account: ServerTarget;
  /** Makes the database anew. */
  fill(contents: Contents): Promise<void>;
  /** Makes the account anew, with nothing but what `sql` gives it. */
  make(sql: string): Promise<void>;
  /** Whether the binary log keeps accounts without SUPER from making triggers and functions. */
  guard(on: boolean): Promise<void>;
  contents(database: string): Promise<Record<string, string>>;
}

export async function grantWorld(): Promise<GrantWorld> {
  const server = await start({ log_bin: 'on' });
  const guard = async (on: boolean) =>
    void (await server.query(`SET GLOBAL log_bin_trust_function_creators = ${on ? 0 : 1}`));
  await server.query(
    `CREATE USER app_owner@'%'; GRANT ALL ON database_name.* TO app_owner@'%'; GRANT ALL ON \`a copy\`.* TO app_owner@'%'; CREATE USER boss@'%'`,
  );
  if (flavour === 'mysql') await server.query(`GRANT SYSTEM_USER ON *.* TO boss@'%'`);
  return {
    server,
    root: login(server),
    account: login(server, { user: 'databasement' }, 'your_secure_password'),
    fill: async (contents) => {
      await server.query('DROP DATABASE IF EXISTS database_name; CREATE DATABASE database_name');
      await server.script(contents === 'tables' ? TABLES : TABLES + PROGRAMS + OWN[flavour], 'database_name');
    },
    make: async (sql) => {
      await server.query(`DROP USER IF EXISTS 'databasement'@'%'; ${CREATE_USER} ${sql}`);
      await guard(false);
    },
    guard,
    contents: (database) => mysqlFingerprint((sql) => server.query(sql, database)),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
