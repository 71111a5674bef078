-- A database with a little of everything that PostgreSQL 15 with Debian's contrib extensions can hold.
-- Runs as a superuser; needs the roles wide_owner and wide_reader.
CREATE EXTENSION pgcrypto; CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION pg_trgm;
CREATE EXTENSION btree_gist; CREATE EXTENSION ltree; CREATE EXTENSION intarray; CREATE EXTENSION unaccent;
CREATE SCHEMA "ext schema"; CREATE EXTENSION "uuid-ossp" SCHEMA "ext schema";

CREATE SCHEMA shop AUTHORIZATION wide_owner;
COMMENT ON SCHEMA shop IS 'The shop''s schema; "quoted" \ and ünïcödé';
CREATE TYPE shop.mood AS ENUM ('sad', 'it''s ok', 'happy 🎉');
CREATE TYPE shop.address AS (street text, zip varchar(10), tags text[]);
CREATE TYPE shop.floatrange AS RANGE (subtype = float8);
CREATE DOMAIN shop.email AS citext CHECK (VALUE ~ '^[^@]+@[^@]+$');

CREATE TABLE shop.types (
  id bigint GENERATED ALWAYS AS IDENTITY (START 1000 INCREMENT 5) PRIMARY KEY,
  small smallint, normal int, big bigint, exact numeric(30, 10), any_numeric numeric, single real, double double precision,
  cash money, fixed char(8), short varchar(20), long text, bytes bytea, flag boolean,
  day date, clock time(3), clock_zone timetz, stamp timestamp, stamp_zone timestamptz, span interval,
  id_uuid uuid, doc json, docb jsonb, markup xml, bits bit(5), varbits bit varying(9), net inet, block cidr, mac macaddr, mac8 macaddr8,
  spot point, path_line line, seg lseg, frame box, route path, area polygon, ring circle,
  words tsvector, search tsquery, lsn pg_lsn, snap pg_snapshot, ints int[], grid text[][], feeling shop.mood, home shop.address,
  homes shop.address[], rng int4range, mrng int4multirange, drng daterange, frng shop.floatrange, mail shop.email,
  kv hstore, tree ltree, ci citext, "char" "char", obj oid, cls regclass, jpath jsonpath,
  doubled numeric GENERATED ALWAYS AS (exact * 2) STORED
);
INSERT INTO shop.types (small) VALUES (NULL);
INSERT INTO shop.types VALUES (DEFAULT, -32768, 2147483647, -9223372036854775808, 12345678901234567890.0123456789, 'NaN', '-Infinity', 1e-300,
  '12.34', 'ab', '', E'tab\t newline\n cr\r back\\slash \\N \\. quote'' "x" ünï 🎉', '\x00ff0a5c0d2e5c2e', true,
  '4713-01-01 BC', '23:59:59.999', '12:00+05:30', 'infinity', '2024-02-29 12:00:00.123456+00', '-1 year 2 mons -3 days 04:05:06.789',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"b": 1,  "a": [null, "\u0041"]}', '{"z": {"deep": [1, 2.50, true]}}', '<a b="c">d</a>',
  B'10101', B'110', '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '(1,2)', '{1,2,3}', '[(0,0),(1,1)]',
  '(1,1),(0,0)', '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(1,0))', '<(0,0),5>', 'fat:1A cat:2', 'fat & !rat', '16/B374D848', '10:20:10,14',
  '{1,NULL,3}', '{{a,"b c"},{"d\"e",NULL}}', 'it''s ok', ROW('Main "St"', '12345', '{x,"y,z"}'), ARRAY[ROW('a', NULL, NULL)::shop.address, NULL],
  '[1,10)', '{[1,3),[5,8)}', '[2024-01-01,)', '(0.5,1.5]', 'Who@Example.org', 'a=>1, b=>NULL', 'Top.Science', 'MiXeD', 'x', 42, 'pg_class', '$.a[*] ? (@ > 1)');
INSERT INTO shop.types (long, bytes) VALUES (repeat('long text ünï ', 200000), decode(repeat('00ff5c0a', 300000), 'hex'));

CREATE SEQUENCE shop.odd_seq AS smallint START 7 INCREMENT -3 MINVALUE -100 MAXVALUE 100 CYCLE CACHE 2;
SELECT nextval('shop.odd_seq'), nextval('shop.odd_seq');
CREATE SEQUENCE shop.never_used;
CREATE UNLOGGED TABLE shop.unlogged (a int); INSERT INTO shop.unlogged VALUES (1), (2);
CREATE TABLE shop.no_columns (); INSERT INTO shop.no_columns DEFAULT VALUES;
CREATE TABLE shop.dropped (a int, b int, c int DEFAULT 3); ALTER TABLE shop.dropped DROP COLUMN b; INSERT INTO shop.dropped VALUES (1);
ALTER TABLE shop.dropped ADD COLUMN d serial, ALTER COLUMN a SET STATISTICS 500, ALTER COLUMN a SET (n_distinct = 5), SET (fillfactor = 70, autovacuum_enabled = false);

CREATE TABLE shop.customers (id serial PRIMARY KEY, email shop.email UNIQUE, parent int REFERENCES shop.customers ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE shop.orders (id int, at date NOT NULL, customer int REFERENCES shop.customers, total numeric CHECK (total >= 0), PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE shop.orders_2023 PARTITION OF shop.orders FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE shop.orders_2024 PARTITION OF shop.orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY HASH (id);
CREATE TABLE shop.orders_2024_0 PARTITION OF shop.orders_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.orders_2024_1 PARTITION OF shop.orders_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE shop.orders_rest PARTITION OF shop.orders DEFAULT;
SET CONSTRAINTS ALL IMMEDIATE;
INSERT INTO shop.customers (email, parent) SELECT 'c' || g || '@x.org', NULLIF(g - 1, 0) FROM generate_series(1, 50) g;
INSERT INTO shop.orders SELECT g, date '2022-12-01' + g * 7, 1 + g % 50, g * 1.5 FROM generate_series(1, 150) g;
CREATE INDEX orders_customer ON shop.orders (customer) INCLUDE (total) WHERE total > 10;
CREATE INDEX ON shop.customers USING gin (email gin_trgm_ops);
CREATE INDEX ON shop.customers (lower(email::text) COLLATE "C" DESC NULLS LAST);
CREATE STATISTICS shop.order_stats (dependencies, mcv) ON customer, total FROM shop.orders_2023;
ALTER TABLE shop.customers CLUSTER ON customers_pkey; ALTER TABLE shop.customers REPLICA IDENTITY USING INDEX customers_pkey;

CREATE TABLE shop.base (a int, note text DEFAULT 'base'); CREATE TABLE shop.derived (b int) INHERITS (shop.base);
INSERT INTO shop.base VALUES (1); INSERT INTO shop.derived VALUES (2, 'derived', 3);
CREATE TABLE shop.booking (room int, during tstzrange, EXCLUDE USING gist (room WITH =, during WITH &&));
INSERT INTO shop.booking VALUES (1, '[2024-01-01, 2024-01-02)'), (1, '[2024-01-02, 2024-01-03)');
ALTER TABLE shop.booking ADD CONSTRAINT later CHECK (room > 0) NOT VALID;

CREATE VIEW shop.rich WITH (security_barrier) AS SELECT c.email, sum(o.total) AS total FROM shop.customers c JOIN shop.orders o ON o.customer = c.id GROUP BY 1 HAVING sum(o.total) > 100;
CREATE VIEW shop.updatable AS SELECT a, note FROM shop.base WHERE a > 0 WITH LOCAL CHECK OPTION;
CREATE MATERIALIZED VIEW shop.totals AS SELECT date_trunc('month', at) AS month, sum(total) AS total FROM shop.orders GROUP BY 1;
CREATE UNIQUE INDEX ON shop.totals (month); CREATE MATERIALIZED VIEW shop.not_filled AS SELECT 1 AS one WITH NO DATA;
CREATE RULE keep_note AS ON DELETE TO shop.base DO INSTEAD UPDATE shop.base SET note = 'deleted' WHERE a = OLD.a;
-- Two views that need each other's parts and a recursive one.
CREATE TABLE shop.late_key (id int PRIMARY KEY, name text);
CREATE VIEW shop.grouped AS SELECT id, name, count(*) FROM shop.late_key GROUP BY id;
CREATE RECURSIVE VIEW shop.counting (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counting WHERE n < 5;

CREATE FUNCTION shop.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT a + b $$;
CREATE FUNCTION shop.add(a text, VARIADIC rest text[]) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = shop, pg_temp AS $fn$ BEGIN RETURN a || array_to_string(rest, E'\\'); END $fn$;
CREATE FUNCTION shop.new_style(n int) RETURNS TABLE (v int) LANGUAGE sql BEGIN ATOMIC SELECT g FROM generate_series(1, n) g; END;
CREATE PROCEDURE shop.nothing(INOUT a int) LANGUAGE plpgsql AS $$ BEGIN a := a + 1; END $$;
CREATE AGGREGATE shop.product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1');
CREATE OPERATOR shop.@+ (LEFTARG = int, RIGHTARG = int, FUNCTION = shop.add);
CREATE FUNCTION shop.mood_text(shop.mood) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'mood' $$;
CREATE CAST (shop.mood AS text) WITH FUNCTION shop.mood_text(shop.mood) AS ASSIGNMENT;
CREATE COLLATION shop.plain (provider = libc, locale = 'C');
CREATE TEXT SEARCH CONFIGURATION shop.simple_copy (COPY = pg_catalog.simple);
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := coalesce(NEW.note, '') || '!'; RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE OF note ON shop.base FOR EACH ROW WHEN (NEW.a > 5) EXECUTE FUNCTION shop.touch();
CREATE FUNCTION shop.seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER seen AFTER INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.seen();
CREATE CONSTRAINT TRIGGER checked AFTER UPDATE ON shop.customers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.seen();
ALTER TABLE shop.orders_2023 DISABLE TRIGGER seen;
CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER watch_ddl ON ddl_command_end WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION public.on_ddl();

ALTER TABLE shop.customers ENABLE ROW LEVEL SECURITY; ALTER TABLE shop.customers FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON shop.customers AS RESTRICTIVE FOR SELECT TO wide_reader, wide_owner USING (id < 10);
CREATE POLICY all_rows ON shop.customers USING (true) WITH CHECK (id > 0);
CREATE PUBLICATION everything FOR TABLE shop.customers;
CREATE EXTENSION postgres_fdw; CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1');
CREATE USER MAPPING FOR wide_reader SERVER elsewhere OPTIONS (user 'x', password 'y z');
CREATE FOREIGN TABLE shop.far (a int) SERVER elsewhere OPTIONS (table_name 'far');

SELECT lo_from_bytea(77001, decode(repeat('00ff0d0a', 5000), 'hex')), lo_from_bytea(77002, ''), lo_from_bytea(77003, 'plain');
COMMENT ON LARGE OBJECT 77003 IS 'a large object'; ALTER LARGE OBJECT 77003 OWNER TO wide_owner; GRANT SELECT ON LARGE OBJECT 77001 TO wide_reader;

CREATE SCHEMA "-h"; CREATE SCHEMA "a=b $(x)";
CREATE TABLE "-h"."--help" ("a b" int, "c""d" text, "e'f" text, "🎉" int, "$(touch /tmp/x)" text, "sel
ect" int);
INSERT INTO "-h"."--help" VALUES (1, '\.', 'it''s', 2, '$(x)', 3), (4, E'\\.\n', E'\\N', NULL, '`x`', NULL);
CREATE TABLE "a=b $(x)"."new
line; DROP TABLE x; --" (id int GENERATED BY DEFAULT AS IDENTITY); INSERT INTO "a=b $(x)"."new
line; DROP TABLE x; --" DEFAULT VALUES;
CREATE VIEW "a=b $(x)"."sixty-three bytes long name, exactly as many as the server keeps" AS SELECT 1 AS "select";

ALTER TABLE shop.base OWNER TO wide_owner; ALTER VIEW shop.rich OWNER TO wide_owner; ALTER FUNCTION shop.touch() OWNER TO wide_owner; ALTER TYPE shop.mood OWNER TO wide_owner;
GRANT USAGE ON SCHEMA shop TO wide_reader; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO wide_reader WITH GRANT OPTION;
GRANT UPDATE (email) ON shop.customers TO PUBLIC; GRANT USAGE ON SEQUENCE shop.odd_seq TO wide_reader;
REVOKE ALL ON FUNCTION shop.add(int, int) FROM PUBLIC; GRANT EXECUTE ON FUNCTION shop.add(int, int) TO wide_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE wide_owner IN SCHEMA shop GRANT SELECT ON TABLES TO wide_reader;
COMMENT ON TABLE shop.types IS 'all; types'; COMMENT ON COLUMN shop.types.id IS E'multi\nline'; COMMENT ON CONSTRAINT later ON shop.booking IS 'c';
