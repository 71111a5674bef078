import type { TestPostgres } from './postgres.ts';

/** Orders for about 50 MB of dump. */
export const DEMO_ORDERS = 125_000;

const SCHEMA = `
CREATE TYPE order_state AS ENUM ('placed', 'paid', 'shipped', 'returned');
CREATE TABLE customers (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL UNIQUE,
  profile jsonb NOT NULL,
  joined_at timestamptz NOT NULL
);
CREATE TABLE products (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title text NOT NULL,
  description text NOT NULL,
  price numeric(10, 2) NOT NULL CHECK (price > 0),
  tags text[] NOT NULL
);
CREATE TABLE orders (
  id bigserial PRIMARY KEY,
  customer uuid NOT NULL REFERENCES customers,
  state order_state NOT NULL,
  lines jsonb NOT NULL,
  note text,
  total numeric(12, 2) NOT NULL,
  total_with_tax numeric(12, 2) GENERATED ALWAYS AS (round(total * 1.19, 2)) STORED,
  placed_at timestamptz NOT NULL
);
CREATE INDEX orders_by_customer ON orders (customer, placed_at DESC);
CREATE VIEW revenue AS
  SELECT date_trunc('month', placed_at) AS month, sum(total) AS total FROM orders GROUP BY 1;
`;

const WORDS = `(ARRAY['harbour','lantern','walnut','copper','linen','meadow','granite','velvet','amber','cedar',
  'orchard','saffron','thistle','willow','marble','ember','juniper','slate','barley','compass'])`;

function data(orders: number): string {
  const customers = Math.ceil(orders / 9);
  return `
SELECT setseed(0.42);
INSERT INTO customers
SELECT md5('customer ' || i)::uuid, initcap(${WORDS}[1 + i % 20] || ' ' || ${WORDS}[1 + i / 20 % 20]),
  'person' || i || '@example.org',
  jsonb_build_object('newsletter', i % 3 = 0, 'city', ${WORDS}[1 + i % 17], 'visits', (random() * 400)::int),
  timestamptz '2024-01-01 00:00+00' + random() * interval '900 days'
FROM generate_series(1, ${customers}) i;
INSERT INTO products (title, description, price, tags)
SELECT initcap(${WORDS}[1 + i % 20] || ' ' || ${WORDS}[1 + i / 20 % 20]),
  (SELECT string_agg(${WORDS}[1 + (random() * 19)::int], ' ') FROM generate_series(1, 60 + i % 7)),
  (1 + random() * 400)::numeric(10, 2), ARRAY[${WORDS}[1 + i % 20], ${WORDS}[1 + i % 13]]
FROM generate_series(1, 1500) i;
INSERT INTO orders (customer, state, lines, note, total, placed_at)
SELECT md5('customer ' || (1 + (random() * ${customers - 1})::int))::uuid,
  (ARRAY['placed','paid','shipped','returned']::order_state[])[1 + i % 4],
  jsonb_build_array(
    jsonb_build_object('sku', md5(i::text), 'quantity', 1 + i % 5, 'gift', random() < 0.1),
    jsonb_build_object('sku', md5(random()::text), 'quantity', 1, 'engraving', ${WORDS}[1 + (random() * 19)::int]),
    jsonb_build_object('sku', gen_random_uuid(), 'quantity', 2)),
  CASE WHEN i % 2 = 0 THEN 'Please leave it by the ' || ${WORDS}[1 + (random() * 19)::int] || ' gate. Reference '
    || md5(random()::text) || md5(random()::text) || ', call before noon.' END,
  (random() * 900)::numeric(12, 2), timestamptz '2024-01-01 00:00+00' + i * interval '7 minutes'
FROM generate_series(1, ${orders}) i;
`;
}

/** Makes database `name`: a small web shop with real-looking rows. */
export async function createShop(server: TestPostgres, name: string, orders = DEMO_ORDERS): Promise<void> {
  await server.query(`CREATE DATABASE "${name}"`);
  await server.query(SCHEMA, name);
  await server.query(data(orders), name);
}

/** A day at the shop: new orders, changed and deleted ones, a new column. */
export async function changeShop(server: TestPostgres, name: string): Promise<void> {
  await server.query(
    `UPDATE orders SET state = 'shipped', note = 'Changed after the first backup' WHERE id > (SELECT max(id) - 600 FROM orders);
     DELETE FROM orders WHERE id BETWEEN 2000 AND 2020;
     INSERT INTO orders (customer, state, lines, total, placed_at)
       SELECT customer, 'placed', lines, total + 1, now() FROM orders ORDER BY id LIMIT 500;
     ALTER TABLE products ADD COLUMN stock integer NOT NULL DEFAULT 7;`,
    name,
  );
}
