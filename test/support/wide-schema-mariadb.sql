-- What only MariaDB has (10.11 and later); beside `wide-schema-mysql.sql`.
SET NAMES utf8mb4;
SET time_zone = '+00:00';
CREATE TABLE only_mariadb (
  id uuid PRIMARY KEY DEFAULT uuid(), i4 inet4, i6 inet6, u varchar(20) COLLATE utf8mb4_uca1400_as_cs,
  packed longtext COMPRESSED, late text DEFAULT (CONCAT('a', 'b'))
);
INSERT INTO only_mariadb VALUES ('123e4567-e89b-12d3-a456-426655440000', '10.0.0.255', '2001:db8::ff00:42:8329', 'é', REPEAT('x', 10000), 'y'), ('00000000-0000-0000-0000-000000000001', NULL, NULL, NULL, NULL, NULL);
CREATE TABLE aria_one (id int PRIMARY KEY, v varchar(20)) ENGINE = Aria TRANSACTIONAL = 1;
INSERT INTO aria_one VALUES (1, 'aria');
CREATE SEQUENCE counter START WITH 100 INCREMENT BY 5 MINVALUE 10 MAXVALUE 10000 CACHE 10 CYCLE COMMENT 'it''s a sequence';
DO NEXT VALUE FOR counter;
CREATE SEQUENCE `odd ``sequence`;
CREATE TABLE numbered (id bigint DEFAULT NEXT VALUE FOR counter PRIMARY KEY, v int);
INSERT INTO numbered (v) VALUES (1), (2);
CREATE TABLE versioned (id int PRIMARY KEY, v varchar(20)) WITH SYSTEM VERSIONING;
INSERT INTO versioned VALUES (1, 'first'), (2, 'gone');
UPDATE versioned SET v = 'second' WHERE id = 1;
DELETE FROM versioned WHERE id = 2;
CREATE TABLE half_versioned (id int PRIMARY KEY, v int, w int WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING;
INSERT INTO half_versioned VALUES (1, 1, 1);
CREATE TABLE bookings (room int, from_day date, to_day date, PERIOD FOR stay (from_day, to_day), UNIQUE (room, stay WITHOUT OVERLAPS));
INSERT INTO bookings VALUES (1, '2024-01-01', '2024-02-01'), (1, '2024-02-01', '2024-03-01');
CREATE TABLE hashed_long (id int PRIMARY KEY, body longtext, UNIQUE KEY (body) USING HASH);
INSERT INTO hashed_long VALUES (1, REPEAT('x', 5000));
CREATE TABLE ignored_key (id int PRIMARY KEY, a int, KEY skipped (a) IGNORED);
CREATE TABLE placed (id int PRIMARY KEY, p point REF_SYSTEM_ID=4326);
INSERT INTO placed VALUES (1, ST_GeomFromText('POINT(1 2)', 4326));
DELIMITER //
CREATE AGGREGATE FUNCTION last_one(x int) RETURNS int
BEGIN
  DECLARE r int;
  DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN r;
  LOOP FETCH GROUP NEXT ROW; SET r = x; END LOOP;
END//
SET sql_mode = 'ORACLE'//
CREATE PACKAGE pack COMMENT 'it''s packed' AS
  FUNCTION f1 RETURN INT;
  PROCEDURE p1;
END;
//
CREATE PACKAGE BODY pack AS
  hidden INT := 42; -- state; kept
  FUNCTION f1 RETURN INT AS BEGIN RETURN hidden; END;
  PROCEDURE p1 AS BEGIN SELECT ';;'; END;
END;
//
CREATE PROCEDURE oracle_style(a IN INT, b OUT INT) AS BEGIN b := a; END;
//
SET sql_mode = ''//
DELIMITER ;
