import { describe, expect, test } from 'vitest';
import { DumpInspector } from '../../../../agent/engines/mysql/dump-inspector.ts';

/** As mariadb-dump and mysqldump write them, with bodies that look like what they are not. */
const SCRIPT = String.raw`-- MariaDB dump 10.19
CREATE SEQUENCE ${'`s`'} start with 5;
CREATE TABLE ${'`t`'} (
  ${'`a`'} int
) COMMENT='it''s\nLOCK TABLES';
LOCK TABLES ${'`t`'} WRITE;
/*!40000 ALTER TABLE ${'`t`'} DISABLE KEYS */;
INSERT INTO ${'`t`'} VALUES (1,'a\nUNLOCK TABLES;');
INSERT INTO ${'`t`'} (${'`a`'}) VALUES (2);
/*!40000 ALTER TABLE ${'`t`'} ENABLE KEYS */;
UNLOCK TABLES;
CREATE TABLE ${'`odd``one`'} (
LOCK TABLES ${'`odd``one`'} WRITE;
UNLOCK TABLES;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=${'`o*/ TRIGGER``d`@`%`'}*/ /*!50003 TRIGGER tr BEFORE INSERT ON t FOR EACH ROW BEGIN
INSERT INTO ${'`t`'} VALUES (1);
DELIMITER ;
CREATE TABLE ${'`none`'} (a int);
-- Dump completed
END */;;
DELIMITER ;
DELIMITER ;;
/*!50003 SET sql_mode = '' */ ;;
/*!50106 CREATE*/ /*!50117 DEFINER=${'`root`@`%`'}*/ /*!50106 EVENT ${'`e`'} ON SCHEDULE EVERY 1 DAY DO SET @x = 1 */ ;;
DELIMITER ;
DELIMITER ;;
CREATE DEFINER="root"@"%" PACKAGE "pk" AS PROCEDURE a; FUNCTION b; END
;;
DELIMITER ;
DELIMITER ;;
CREATE DEFINER="root"@"%" PACKAGE BODY "pk" AS PROCEDURE a AS BEGIN NULL; END; END
;;
DELIMITER ;
DELIMITER ;;
CREATE DEFINER=${'`a PROCEDURE `@`%`'} AGGREGATE FUNCTION ${'`f`'}() RETURNS int
CREATE PROCEDURE
;;
DELIMITER ;
DELIMITER ;;
CREATE DEFINER=${'`role`'} PROCEDURE ${'`p`'}()
SELECT 1
;;
DELIMITER ;
/*!50001 CREATE VIEW ${'`v`'} AS SELECT
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=${'`root`@`%`'} SQL SECURITY DEFINER */
/*!50001 VIEW ${'`v`'} AS select 1 */;

-- Dump completed
`;
const COUNTS = {
  sequence: 1,
  table: 2,
  trigger: 1,
  event: 1,
  package: 1,
  'package body': 1,
  function: 1,
  procedure: 1,
  view: 1,
};

function inspect(text: string, size: number): DumpInspector {
  const inspector = new DumpInspector();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) inspector.push(bytes.subarray(at, at + size));
  return inspector;
}

describe('a dump that streams by', () => {
  test.each([1, 2, 7, 64, 1_000_000])('in pieces of %i bytes', (size) => {
    const inspector = inspect(SCRIPT, size);
    inspector.finishPart();
    expect(inspector.counts).toEqual(COUNTS);
    expect(Object.fromEntries(inspector.tables)).toEqual({
      t: { rows: 2, bytes: SCRIPT.match(/^INSERT INTO `t` (VALUES \(1,'|\().*\n/gm)?.join('').length },
      'odd`one': { rows: 0, bytes: 0 },
    });
    expect(inspector.maxRowBytes).toBe("INSERT INTO `t` VALUES (1,'a\\nUNLOCK TABLES;');".length);
  });

  test('is whole only with its last line, and at the end of a statement', () => {
    const lines = SCRIPT.trimEnd().split('\n');
    for (let kept = 1; kept < lines.length; kept += 1) {
      const cut = inspect(`${lines.slice(0, kept).join('\n')}\n`, 100);
      expect(() => cut.finishPart(), lines[kept - 1]).toThrow('dump_incomplete');
    }
    expect(() => inspect(SCRIPT.slice(0, -1), 100).finishPart()).toThrow('dump_incomplete');
  });

  test('two parts are counted together, and each must be whole', () => {
    const inspector = inspect(SCRIPT, 100);
    inspector.finishPart();
    expect(() => inspector.finishPart()).toThrow('dump_incomplete');
    inspector.push(Buffer.from(SCRIPT));
    inspector.finishPart();
    expect(inspector.counts.view).toBe(2);
  });

  test('a row over several lines is refused', () => {
    const script = 'LOCK TABLES `t` WRITE;\nINSERT INTO `t` VALUES (\n1);\n';
    for (const size of [1, 1000]) expect(() => inspect(script, size)).toThrow('several lines');
  });
});
