import type { TestMariadb } from './mariadb.ts';

/** Orders for about 10 MB of dump. */
export const MARIADB_ORDERS = 30_000;

const SCHEMA = `
CREATE TABLE customers (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name varchar(80) NOT NULL,
  email varchar(120) NOT NULL UNIQUE,
  profile json NOT NULL,
  joined_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE orders (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customer int unsigned NOT NULL,
  state enum('placed', 'paid', 'shipped', 'returned') NOT NULL,
  note text,
  receipt varbinary(64),
  total decimal(12, 2) NOT NULL CHECK (total >= 0),
  total_with_tax decimal(12, 2) GENERATED ALWAYS AS (ROUND(total * 1.19, 2)) STORED,
  placed_at datetime NOT NULL,
  KEY by_customer (customer, placed_at),
  FOREIGN KEY (customer) REFERENCES customers (id)
);
CREATE TABLE changes (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, order_id bigint unsigned, was varchar(20), at timestamp);
CREATE VIEW revenue AS SELECT DATE_FORMAT(placed_at, '%Y-%m') AS month, SUM(total) AS total FROM orders GROUP BY 1;
DELIMITER //
CREATE TRIGGER remember AFTER UPDATE ON orders FOR EACH ROW
BEGIN
  IF NEW.state <> OLD.state THEN INSERT INTO changes (order_id, was) VALUES (OLD.id, OLD.state); END IF;
END//
CREATE FUNCTION with_tax(amount decimal(12, 2)) RETURNS decimal(12, 2) DETERMINISTIC RETURN ROUND(amount * 1.19, 2)//
CREATE PROCEDURE ship(IN wanted bigint) BEGIN UPDATE orders SET state = 'shipped' WHERE id = wanted; END//
CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 03:00:00' DO DELETE FROM changes WHERE at < NOW() - INTERVAL 1 YEAR//
DELIMITER ;
`;

const word = (of: string) =>
  `ELT(1 + ${of} % 12, 'harbour', 'lantern', 'walnut', 'copper', 'linen', 'meadow', 'granite', 'velvet', 'amber', 'cedar', 'saffron', 'willow')`;

function data(orders: number): string {
  const customers = Math.ceil(orders / 9);
  return `
INSERT INTO customers (name, email, profile, joined_at)
SELECT CONCAT(${word('seq')}, ' ', ${word('seq DIV 12')}), CONCAT('person', seq, '@example.org'),
  JSON_OBJECT('newsletter', seq % 3 = 0, 'city', ${word('seq')}, 'visits', seq % 400), '2024-01-01' + INTERVAL seq MINUTE
FROM seq_1_to_${customers};
INSERT INTO orders (customer, state, note, receipt, total, placed_at)
SELECT 1 + seq * 7919 % ${customers}, 1 + seq % 4,
  IF(seq % 2, CONCAT('Please leave it by the ', ${word('seq')}, ' gate. Reference ', SHA1(seq), SHA1(-seq), ', call before noon.'), NULL),
  UNHEX(SHA2(seq, 512)), seq * 7919 % 90000 / 100, '2024-01-01' + INTERVAL seq * 7 MINUTE
FROM seq_1_to_${orders};
`;
}

/** Makes database `name`: a web shop with rows, a view, a trigger, routines and an event. */
export async function createMariadbShop(
  server: TestMariadb,
  name: string,
  orders = MARIADB_ORDERS,
): Promise<void> {
  await server.query(`CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4`);
  await server.script(`${SCHEMA}${data(orders)}`, name);
}

/** A day at the shop: new orders, changed and deleted ones, a new column. */
export async function changeMariadbShop(server: TestMariadb, name: string): Promise<void> {
  await server.query(
    `UPDATE orders SET state = 'returned', note = 'Changed after the first backup' WHERE id BETWEEN 5000 AND 5600;
     DELETE FROM orders WHERE id BETWEEN 2000 AND 2020;
     INSERT INTO orders (customer, state, total, placed_at) SELECT customer, 'placed', total + 1, NOW() FROM orders ORDER BY id LIMIT 500;
     ALTER TABLE customers ADD COLUMN stars tinyint NOT NULL DEFAULT 5;`,
    name,
  );
}
