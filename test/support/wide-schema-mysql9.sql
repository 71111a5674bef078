-- What only MySQL has (9 and later); beside `wide-schema-mysql.sql`.
SET NAMES utf8mb4;
SET time_zone = '+00:00';
CREATE TABLE only_mysql (
  id int NOT NULL AUTO_INCREMENT PRIMARY KEY, v vector(3), o varchar(20) COLLATE utf8mb4_0900_as_cs, j json,
  p point NOT NULL SRID 4326, tags json, d date DEFAULT (CURRENT_DATE + INTERVAL 1 DAY), my_row_hint int VISIBLE,
  SPATIAL KEY (p), KEY functional ((LOWER(o))), KEY many_valued ((CAST(tags->'$[*]' AS UNSIGNED ARRAY))),
  KEY unseen (o) INVISIBLE, CONSTRAINT lax CHECK (my_row_hint > 0) NOT ENFORCED
);
INSERT INTO only_mysql (v, o, j, p, tags, d) VALUES
  (STRING_TO_VECTOR('[1, 2.5, -3]'), 'É', '{"b": 1, "a": {"x": [1.0, 1e3, "\\u00e9"]}}', ST_GeomFromText('POINT(48 11)', 4326), '[1, 2, 3]', '2024-01-01'),
  (NULL, NULL, NULL, ST_GeomFromText('POINT(0 0)', 4326), NULL, NULL);
CREATE TABLE hidden_key (v int);
CREATE TABLE wide_json (id int PRIMARY KEY, doc json, price decimal(10, 2) GENERATED ALWAYS AS (doc->>'$.price') STORED);
INSERT INTO wide_json (id, doc) VALUES (1, '{"price": 12.5, "name": "it''s \\\\ 🧵"}');
