-- One of everything that MySQL and MariaDB share, for round trips. Run with the stock client into an empty
-- database; the accounts `wide_owner`@`%` and `wide reader`@`localhost` must exist.
SET NAMES utf8mb4;
SET time_zone = '+00:00';
SET foreign_key_checks = 0;
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';

CREATE TABLE numbers (
  id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  t tinyint, tu tinyint unsigned, s smallint, su smallint unsigned, m mediumint, mu mediumint unsigned,
  i int, iu int unsigned, b bigint, bu bigint unsigned, z int(8) unsigned zerofill,
  d decimal(65, 30), du decimal(10, 0) unsigned, f float, ff float(7, 3), db double, db2 double(15, 4),
  bit1 bit(1), bit64 bit(64) DEFAULT b'101', flag boolean DEFAULT true
) COMMENT = 'every number; a '' quote, a \\ backslash and a
new line';
INSERT INTO numbers VALUES
  (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'0', b'0', false),
  (1, -128, 255, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808,
   18446744073709551615, 42, -99999999999999999999999999999999999.999999999999999999999999999999, 9999999999,
   1.5, -1234.567, 1.7976931348623157e308, 12345678901.2345, b'1', ~0, NULL),
  (-5, 127, NULL, 32767, NULL, 8388607, NULL, 2147483647, NULL, 9223372036854775807, NULL, NULL,
   0.000000000000000000000000000001, NULL, 0.25, NULL, 2.2250738585072014e-308, NULL, NULL, 1, true);
ALTER TABLE numbers AUTO_INCREMENT = 4711;

CREATE TABLE times (
  d date, dt datetime, dt6 datetime(6), ts timestamp NULL, ts6 timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  t time, t3 time(3), y year, n datetime DEFAULT NULL, z date NOT NULL DEFAULT '0000-00-00'
);
INSERT INTO times VALUES
  ('0000-00-00', '0000-00-00 00:00:00', '0000-00-00', '0000-00-00 00:00:00', '1970-01-01 00:00:01.000001', '-838:59:59', '838:59:58.999', 1901, NULL, '2024-00-00'),
  ('2024-02-31', '9999-12-31 23:59:59', '1000-01-01 00:00:00.123456', '2038-01-19 03:14:07', '2024-03-31 02:30:00.999999', '00:00:00', '-00:00:00.001', 2155, NOW(), '2024-12-00'),
  (NULL, NULL, NULL, NULL, '2024-10-27 01:30:00', NULL, NULL, 0, NULL, '1999-01-01');

CREATE TABLE texts (
  id int PRIMARY KEY,
  c char(10), v varchar(300) COLLATE utf8mb4_bin, tt tinytext, tx text, mt mediumtext, lt longtext,
  bi binary(8), vb varbinary(300), tb tinyblob, bl blob, mb mediumblob, lb longblob,
  e enum('a', 'b''c', 'd,e', '', 'ü', '\\'), s set('x', 'y y', 'z''z'),
  j json, l1 varchar(100) CHARACTER SET latin1, u3 varchar(100) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin,
  sj varchar(100) CHARACTER SET sjis, u16 varchar(50) CHARACTER SET utf16, asc7 varchar(50) CHARACTER SET ascii COLLATE ascii_bin,
  bin varchar(50) CHARACTER SET binary, cp varchar(50) CHARACTER SET cp1251
) DEFAULT CHARSET = utf8mb4 COMMENT = 'every string 🧵';
INSERT INTO texts (id, c, v, tx, bi, vb, bl, e, s, j, l1, u3, sj, u16, asc7, bin, cp) VALUES
  (1, 'x', 'it''s \\ "q" `b` %_ \n\r\t\0\Z🧵é', 'a\nb\r\nc', X'00FF8027', X'C328A0A1F09F9A', X'000102FF5C2722600A0D1A', 'b''c', 'x,z''z', '{"a": [1, 2.5, null, "é\\u0000🧵"], "b\\"": true}', 'Grüße €', 'žluť', 'テスト表ソ', '🧵ö', 'ascii', 'byt\0es', 'Привет'),
  (2, '', '', '', X'', X'', X'', '', '', '[]', '', '', '', '', '', '', ''),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, 'trail  ', 'NULL', '-- Dump completed on 2024-01-01', X'2D2D', 'INSERT INTO `x` VALUES (1);', ';', '\\', 'y y', '"\\\\"', '\\', '/*!50000 DROP */', '表\\', '\'', '\'', '\'', '\''),
  (5, 'x', 'INSERT INTO `texts` VALUES (9);
DELIMITER ;;
-- Dump completed
/*!40101 SET NAMES latin1 */;
\\! touch canary
system touch canary', '\\.', NULL, NULL, NULL, 'ü', 'x,y y,z''z', 'null', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO texts (id, tt, mt, lt, tb, mb, lb) VALUES (6, REPEAT('ä', 100), REPEAT('long ', 40000), REPEAT('🧵', 30000), REPEAT(X'00', 255), REPEAT(X'0027FF5C', 30000), REPEAT(X'DEADBEEF275C0A00', 700000));

CREATE TABLE places (
  id int NOT NULL AUTO_INCREMENT PRIMARY KEY, p point NOT NULL, l linestring, g geometry, pg polygon, mp multipoint, gc geometrycollection,
  SPATIAL KEY by_place (p)
);
INSERT INTO places (p, l, g, pg, mp, gc) VALUES
  (ST_GeomFromText('POINT(1 -2.5)'), ST_GeomFromText('LINESTRING(0 0,1 1)'), ST_GeomFromText('POINT(7 8)', 4326), ST_GeomFromText('POLYGON((0 0,0 3,3 3,0 0))'), ST_GeomFromText('MULTIPOINT(1 1,2 2)'), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))')),
  (ST_GeomFromText('POINT(0 0)'), NULL, NULL, NULL, NULL, NULL);

CREATE TABLE articles (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, title varchar(200), body text,
  words int GENERATED ALWAYS AS (CHAR_LENGTH(body)) VIRTUAL, slug varchar(210) GENERATED ALWAYS AS (LOWER(title)) STORED,
  secret varchar(20) DEFAULT 'hid''den' INVISIBLE, token varchar(40) DEFAULT (CONCAT('t-', 1 + 1)),
  rating int CHECK (rating BETWEEN 0 AND 10), made timestamp DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT `title isn't empty` CHECK (title <> ''),
  FULLTEXT KEY ft (title, body), KEY by_prefix (title(10)), KEY by_slug (slug DESC), UNIQUE KEY `odd ``key``` (id, rating)
) AUTO_INCREMENT = 1000 ROW_FORMAT = COMPRESSED COMMENT 'generated, hidden, checked';
INSERT INTO articles (title, body, rating, made) VALUES ('First', 'some words', 3, '2024-01-01'), ('Zweiter ä', NULL, NULL, '2024-01-02');
INSERT INTO articles (title, body, secret, made) VALUES ('Third', '', 'told', '2024-01-03');

CREATE TABLE parents (id int PRIMARY KEY, best_child int, up int, CONSTRAINT self FOREIGN KEY (up) REFERENCES parents (id) ON DELETE SET NULL,
  CONSTRAINT cycle FOREIGN KEY (best_child) REFERENCES children (id) ON UPDATE CASCADE);
CREATE TABLE children (id int PRIMARY KEY, parent int NOT NULL, CONSTRAINT child_of FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE);
INSERT INTO parents VALUES (1, 10, 2), (2, NULL, 1), (3, NULL, 3);
INSERT INTO children VALUES (10, 1), (11, 2);

CREATE TABLE by_range (id int NOT NULL, y int NOT NULL, PRIMARY KEY (id, y)) PARTITION BY RANGE (y)
  (PARTITION old VALUES LESS THAN (2000) COMMENT 'it''s old', PARTITION `new one` VALUES LESS THAN MAXVALUE);
CREATE TABLE by_list (id int, k varchar(10)) PARTITION BY LIST COLUMNS (k) (PARTITION a VALUES IN ('a', 'b'), PARTITION c VALUES IN ('c''c', NULL));
CREATE TABLE by_hash (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3;
CREATE TABLE by_key (id int PRIMARY KEY, v varchar(10)) PARTITION BY LINEAR KEY (id) PARTITIONS 2;
CREATE TABLE by_both (id int, d date) PARTITION BY RANGE (YEAR(d)) SUBPARTITION BY HASH (TO_DAYS(d)) SUBPARTITIONS 2
  (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO by_range VALUES (1, 1999), (2, 2024);
INSERT INTO by_list VALUES (1, 'a'), (2, 'c''c'), (3, NULL);
INSERT INTO by_hash VALUES (1), (2), (3), (4);
INSERT INTO by_key VALUES (1, 'x');
INSERT INTO by_both VALUES (1, '1999-12-31'), (2, '2024-01-01');

CREATE TABLE empty_one (id int PRIMARY KEY);
CREATE TABLE no_key (a int, b varchar(10));
INSERT INTO no_key VALUES (1, 'same'), (1, 'same'), (NULL, NULL);
CREATE TABLE old_style (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, a varchar(20), FULLTEXT KEY (a)) ENGINE = MyISAM DEFAULT CHARSET = latin1 AUTO_INCREMENT = 77;
INSERT INTO old_style (a) VALUES ('Grüße'), ('zweite');
CREATE TABLE volatile_one (id int PRIMARY KEY, KEY USING BTREE (id)) ENGINE = MEMORY;
INSERT INTO volatile_one VALUES (1), (2);
CREATE TABLE latin_one (id int PRIMARY KEY, v varchar(20)) DEFAULT CHARSET = latin1 COLLATE = latin1_german2_ci;
INSERT INTO latin_one VALUES (1, 'ß'), (2, 'ss');

CREATE TABLE `-h` (id int PRIMARY KEY);
CREATE TABLE `a=b` (`--` int PRIMARY KEY, `select` int, `x``y` int, `sp ace` int, `ünï` int, `1` int);
CREATE TABLE `1leading` (`1e5` int);
CREATE TABLE `select` (`from` int);
CREATE TABLE `it's "quoted" ``back``` (`it's` int);
CREATE TABLE `dot.ted.` (`a.b` int);
CREATE TABLE `naïve 表` (`spalte ö` int);
CREATE TABLE `per%cent_under` (`%s` int);
CREATE TABLE `back\slash` (`c\d` int);
INSERT INTO `-h` VALUES (1);
INSERT INTO `a=b` VALUES (1, 2, 3, 4, 5, 6);
INSERT INTO `1leading` VALUES (1);
INSERT INTO `select` VALUES (1);
INSERT INTO `it's "quoted" ``back``` VALUES (1);
INSERT INTO `dot.ted.` VALUES (1);
INSERT INTO `naïve 表` VALUES (1);
INSERT INTO `per%cent_under` VALUES (1);
INSERT INTO `back\slash` VALUES (1);

CREATE VIEW zz_base AS SELECT id, title, rating FROM articles;
CREATE VIEW aa_forward AS SELECT id, rating FROM zz_base;
-- Its name comes after that of what it is made of: else mysqldump writes what the server refuses (error 1368).
CREATE ALGORITHM = MERGE DEFINER = `wide_owner`@`%` SQL SECURITY INVOKER VIEW zz_nested AS SELECT id, title AS `it's a title`, 1 AS `1+1` FROM zz_base WHERE rating > 1 WITH CASCADED CHECK OPTION;
CREATE ALGORITHM = TEMPTABLE DEFINER = `wide reader`@`localhost` SQL SECURITY DEFINER VIEW `odd ``view` (`a b`) AS SELECT COUNT(*) FROM `a=b`;
CREATE VIEW constants AS SELECT 'it''s' AS s, "-- Dump completed" AS c, _latin1'x' AS l, CAST(1 AS DECIMAL(10,2)) AS d;

CREATE TABLE audit (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, what varchar(200));
DELIMITER //
CREATE TRIGGER first_before BEFORE INSERT ON children FOR EACH ROW
BEGIN
  -- a comment; with a semicolon
  IF NEW.parent < 0 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no; ''parent'''; END IF;
END//
CREATE DEFINER = `wide_owner`@`%` TRIGGER aa_second BEFORE INSERT ON children FOR EACH ROW FOLLOWS first_before INSERT INTO audit (what) VALUES (CONCAT('second ', NEW.id))//
CREATE TRIGGER zz_zeroth BEFORE INSERT ON children FOR EACH ROW PRECEDES first_before SET NEW.id = NEW.id//
CREATE TRIGGER `odd ``trigger` AFTER DELETE ON children FOR EACH ROW BEGIN INSERT INTO audit (what) VALUES ('INSERT INTO `x` VALUES (1);;'); END//
CREATE FUNCTION plus_one(a int) RETURNS int DETERMINISTIC NO SQL COMMENT 'it''s one more' RETURN a + 1//
CREATE DEFINER = `wide_owner`@`%` FUNCTION greet(n varchar(50) CHARACTER SET latin1) RETURNS varchar(100) CHARSET utf8mb4 READS SQL DATA SQL SECURITY INVOKER
BEGIN
  DECLARE done int DEFAULT 0; /* ;; */
  -- Dump completed
  # INSERT INTO `x` VALUES (1);
  RETURN CONCAT('ünï ''', n, ''';;', "double \" quote", '\\');
END//
CREATE PROCEDURE fill(IN a int, OUT b int, INOUT c varchar(10))
BEGIN
  DECLARE v varchar(100) DEFAULT 'DELIMITER ;;';
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; END;
  SET b = a; /* $$ // */ SET c = '

-- Dump completed on never
';
END//
CREATE DEFINER = `wide reader`@`localhost` PROCEDURE `odd ``procedure -h`() BEGIN END//
SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'//
CREATE PROCEDURE ansi() SELECT "id" || '\\' FROM "numbers"//
SET sql_mode = 'NO_BACKSLASH_ESCAPES'//
CREATE PROCEDURE no_escapes() BEGIN SELECT 'a\', '\\', 'it''s;'; END//
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'//
-- No `;;` in an event: mariadb-dump 10.11 looks for a delimiter that the body lacks, and never ends.
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 03:00:00' COMMENT 'it''s nightly' DO BEGIN DELETE FROM audit; -- gone; all
END//
CREATE EVENT asleep ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2030-01-01 03:00:00' ENDS '2037-01-01 00:00:00' DISABLE DO SET @x = 'it''s; \\ DELIMITER'//
CREATE DEFINER = `wide_owner`@`%` EVENT once ON SCHEDULE AT '2037-01-01 00:00:00' ON COMPLETION PRESERVE DO SET @x = 1//
DELIMITER ;
SET foreign_key_checks = 1;
