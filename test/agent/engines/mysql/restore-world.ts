import type { EngineDriver, ServerTarget } from '../../../../agent/engines/driver.ts';
import { type Captured, capture } from '../../../contract/captured.ts';
import type { TestMysql } from '../../../support/mysql-family.ts';
import { driver, login, start } from './world.ts';

const SHOP = `
CREATE TABLE orders (id int PRIMARY KEY AUTO_INCREMENT, note varchar(50), big longtext);
INSERT INTO orders VALUES (1, 'ünï', REPEAT('x', 700000)), (2, NULL, REPEAT('y', 900000));
CREATE TABLE audit (id int PRIMARY KEY, what varchar(20));
INSERT INTO audit VALUES (1, 'old');
CREATE DEFINER='app'@'%' VIEW notes AS SELECT note FROM orders;
DELIMITER //
CREATE DEFINER='app'@'%' PROCEDURE list() SELECT * FROM shop.orders//
CREATE DEFINER='app'@'%' FUNCTION plus(x int) RETURNS int DETERMINISTIC RETURN x + 1//
CREATE DEFINER='app'@'%' TRIGGER seen AFTER INSERT ON shop.orders FOR EACH ROW INSERT INTO audit VALUES (NEW.id + 100, 'trigger')//
CREATE DEFINER='app'@'%' EVENT often ON SCHEDULE EVERY 1 SECOND DO INSERT INTO audit VALUES (RAND() * 100000, 'event')//
CREATE DEFINER='app'@'%' EVENT never ON SCHEDULE EVERY 1 SECOND DISABLE DO SELECT 1//
DELIMITER ;
`;

/** A server with a database “shop”, its dump, and logins to restore with. */
export interface RestoreWorld extends AsyncDisposable {
  server: TestMysql;
  driver: EngineDriver;
  dump: Captured;
  root: ServerTarget;
  /** Makes an account and runs its grants. */
  account(user: string, grants: string): Promise<ServerTarget>;
  databases(): Promise<string[]>;
}

export async function restoreWorld(): Promise<RestoreWorld> {
  const server = await start({ event_scheduler: 'ON', log_bin: 'on' });
  await server.query(
    `CREATE USER app@'%'; GRANT ALL ON *.* TO app@'%'; CREATE USER weak@'%'; CREATE DATABASE shop`,
  );
  await server.script(SHOP, 'shop');
  const root = login(server);
  return {
    server,
    driver,
    root,
    dump: await capture(driver, root, 'shop'),
    account: async (user, grants) => {
      await server.query(
        `DROP USER IF EXISTS ${user}@'%'; CREATE USER ${user}@'%' IDENTIFIED BY 'pw'; ${grants}`,
      );
      return login(server, { user }, 'pw');
    },
    databases: async () =>
      (await server.query('SELECT SCHEMA_NAME AS n FROM information_schema.SCHEMATA')).map((row) => row.n),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
