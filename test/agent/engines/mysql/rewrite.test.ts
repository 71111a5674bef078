import { describe, expect, test } from 'vitest';
import { refusal, rewritten, table } from './rewritten.ts';

describe('statements', () => {
  test.each([
    '\\! touch /tmp/canary\n;',
    'system touch /tmp/canary\n;',
    'source /etc/passwd\n;',
    'USE `other`;',
    'CREATE DATABASE `x`;',
    'DROP DATABASE `other`;',
    "CREATE USER 'x'@'%';",
    'GRANT ALL ON *.* TO x;',
    'SET GLOBAL general_log = 1;',
    'SET @@GLOBAL.general_log = 1;',
    'SET PERSIST max_connections = 1;',
    'SET SQL_LOG_BIN = 0;',
    "SET PASSWORD = 'x';",
    'SET @a = (SELECT 1);',
    "SET sql_mode = 'a\\'b';",
    'DROP TABLE `other`.`t`;',
    'DROP TABLE IF EXISTS `other`.`t`;',
    'DROP TABLE IF EXISTS `a`, `other`.`b`;',
    'DROP TABLE IF EXISTS `_mark`;',
    'CREATE TABLE `other`.`t` (`a` int);',
    'CREATE TABLE `_mark` (`a` int);',
    'CREATE TABLE `t` (`a` int) SELECT * FROM `mysql`.`user`;',
    'CREATE TABLE `t` (`a` int) /*! select*/ 1;',
    'CREATE TABLE `t` (LIKE `other`.`t`);',
    'CREATE TABLE `t` AS SELECT 1;',
    'CREATE /*!99999 TABLE `t` ( */ USER `x` /*!99999 ) */;',
    'CREATE VIEW `v` AS SELECT `a` FROM `mysql`.`user`;',
    'CREATE DEFINER=`a`@`%` VIEW `other`.`v` AS SELECT 1;',
    'CREATE DEFINER=CURRENT_USER VIEW `v` AS SELECT 1;',
    'CREATE PROCEDURE `p`() SELECT 1;',
    'CREATE DEFINER=`a`@`%` PROCEDURE `other`.`p`() SELECT 1;',
    'CREATE DEFINER=`a`@`%` TRIGGER `other`.`x` BEFORE INSERT ON `other`.`t` FOR EACH ROW SET @a = 1;',
    'CREATE DEFINER=`a`@`%` EVENT `e` ON SCHEDULE EVERY 1 DAY DO SELECT 1;',
    'LOAD DATA INFILE "/etc/passwd" INTO TABLE `t`;',
    'ALTER TABLE `t` ADD `b` int;',
    'ALTER TABLE `other`.`t` ENABLE KEYS;',
    'DO SLEEP(100);',
    'DO SETVAL(`s`, (SELECT 1), 0);',
    'INSTALL PLUGIN x SONAME "x.so";',
    'FLUSH PRIVILEGES;',
    'SELECT 1 INTO OUTFILE "/tmp/canary";',
    'DELIMITER //\n',
    "CREATE TABLE `t` (`a` int COMMENT 'no end);",
    'SELECT 1',
  ])('that no dump tool writes are refused: %s', async (statement) => {
    expect(await refusal(`-- a comment\n${statement}\n`)).toBe('manifest_invalid');
  });

  test('behind names with newlines are part of the name: CVE-2024-21096', async () => {
    const { sql } = await rewritten(
      "--\n-- Host: x    Database: a\n-- \\! touch /tmp/canary\n--\nCREATE TABLE `t\n\\! touch /tmp/canary\n` (`a` int COMMENT '\n;\\! x\n') COMMENT='x;\ny';\n",
    );
    expect(sql).toHaveLength(1);
  });

  test('inside version comments are judged as the target will run them', async () => {
    const run = async (sql: string, flavour: 'mysql' | 'mariadb') =>
      (await rewritten(sql, { target: { flavour, versionNumber: flavour === 'mysql' ? 80_400 : 101_119 } }))
        .sql;
    const ours =
      '/*!40101 SET NAMES utf8mb4 */;\n/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;\n/*!80002 SET SQL_NOTES=0 */;\n';
    expect(await run(ours, 'mariadb')).toEqual([
      'SET NAMES utf8mb4',
      'SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0',
    ]);
    expect(await run(ours, 'mysql')).toEqual(['SET NAMES utf8mb4', 'SET SQL_NOTES=0']);
  });

  test('that switch the database’s collation name the one that is filled', async () => {
    expect(
      (await rewritten('ALTER DATABASE `shop` CHARACTER SET latin1 COLLATE latin1_bin ;\n')).sql,
    ).toEqual(['ALTER DATABASE `copy` CHARACTER SET latin1 COLLATE latin1_bin']);
  });

  test('follow sql_mode: a backslash may be no escape, and " a name', async () => {
    const { sql } = await rewritten(
      'SET sql_mode = \'ANSI_QUOTES,NO_BACKSLASH_ESCAPES\';\nDELIMITER ;;\nCREATE DEFINER="a"@"%" PROCEDURE "p"() SELECT \'\\\' ;;\nDELIMITER ;\nSET sql_mode = \'\';\n',
    );
    expect(sql[1]).toBe('CREATE DEFINER="a"@"%" PROCEDURE "p"() SELECT \'\\\'');
    expect(sql).toHaveLength(3);
  });
});

describe('programs', () => {
  const event = (state: string) =>
    `DELIMITER ;;\n/*!50106 CREATE*/ /*!50117 DEFINER=\`a\`@\`%\`*/ /*!50106 EVENT \`e\` ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 ENABLE' ON COMPLETION NOT PRESERVE ${state} COMMENT 'ENABLE' DO SELECT 'DEFINER=\`a\`@\`%\`' */ ;;\nDELIMITER ;\n`;

  test('keep their definer, or get the one named, in their head alone', async () => {
    const kept = await rewritten(event('DISABLE'));
    expect(kept.sql[0]).toContain('CREATE DEFINER=`a`@`%` EVENT');
    const mapped = await rewritten(event('DISABLE'), { definer: () => "o'k@10.0.%" });
    expect(mapped.sql[0]).toContain("CREATE DEFINER='o\\'k'@'10.0.%' EVENT");
    expect(mapped.sql[0]).toContain("SELECT 'DEFINER=`a`@`%`'");
    const role = await rewritten('CREATE DEFINER=`r` PROCEDURE `p`() SELECT 1;\n', { definer: (who) => who });
    expect(role.sql[0]).toBe('CREATE DEFINER=`r` PROCEDURE `p`() SELECT 1');
  });

  test('events are disabled, and those that were not are remembered', async () => {
    const { sql, made } = await rewritten(event('ENABLE'));
    expect(sql[0]).toContain(
      "STARTS '2030-01-01 ENABLE' ON COMPLETION NOT PRESERVE DISABLE COMMENT 'ENABLE' DO",
    );
    expect(made.enabledEvents).toEqual(['e']);
    expect((await rewritten(event('DISABLE ON SLAVE'))).made.enabledEvents).toEqual([]);
  });

  test('lose the dumped database’s name in a trigger’s head; elsewhere it is reported', async () => {
    const { sql, made } = await rewritten(
      'CREATE DEFINER=`a`@`%` trigger shop.x before insert on `shop`.t for each row insert into shop.log values (1);\n',
    );
    expect(sql[0]).toBe(
      'CREATE DEFINER=`a`@`%` trigger x before insert on t for each row insert into shop.log values (1)',
    );
    expect(made.namesSource).toEqual(['trigger x']);
  });

  test('tables that stay are passed over, and get their triggers anew', async () => {
    const { sql, made } = await rewritten(
      `DROP TABLE IF EXISTS \`t\`;\n${table('t')}CREATE DEFINER=\`a\`@\`%\` TRIGGER \`x\` BEFORE INSERT ON \`t\` FOR EACH ROW SET @a = 1;\n`,
      { keptTables: new Set(['t']) },
    );
    expect(sql.map((one) => one.slice(0, 20))).toEqual(['DROP TRIGGER IF EXIS', 'CREATE DEFINER=`a`@`']);
    expect(made.counts).toEqual({ table: 1, trigger: 1 });
  });

  test('views announced and never defined are noticed', async () => {
    expect(await refusal('/*!50001 CREATE VIEW `v` AS SELECT\n 1 AS `a` */;\n')).toBe('manifest_invalid');
  });
});
