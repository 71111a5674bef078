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
    "CREATE TABLE `t` (`a` text) VALUES ROW(LOAD_FILE('/etc/passwd'));",
    "CREATE TABLE `t` (`a` text) VALUES (LOAD_FILE('/etc/passwd'));",
    "CREATE TABLE `t` (`a` int) ENGINE=FEDERATED CONNECTION='mysql://root@127.0.0.1/mysql/user';",
    'CREATE TABLE `t` (`a` int) ENGINE = `MERGE` UNION=(`mysql`.`x`);',
    '/*!40000 CREATE TABLE `t` (`a` int) /*!40000 SELECT * FROM `mysql`.`user` */ */;',
    "CREATE DEFINER=`a`@`%` FUNCTION `f` RETURNS STRING SONAME 'x.so';",
    "CREATE DEFINER='ro\\ot'@'%' PROCEDURE `p`() SELECT 1;",
    'CREATE DEFINER=`a`@`%` EVENT `e` ON SCHEDULE EVERY LENGTH(LOAD_FILE(1)) DAY ON COMPLETION PRESERVE DISABLE DO SELECT 1;',
    'SET NAMES DEFAULT;',
    'SET CHARACTER_SET_CLIENT = 28;',
    'SET CHARACTER_SET_CLIENT = 0x67626B;',
    'SET @a = 4;\nSET SQL_MODE = @a;',
    'SET NAMES latin1;\nDROP TABLE IF EXISTS `t`;',
    'SET NAMES latin1;\nCREATE TABLE `t` (`a` int);',
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

/** Each would let the server see code where the dump's reader sees a text, or the reverse. */
describe('character sets hide no code', () => {
  const statement = (sql: string) =>
    Buffer.from(`DELIMITER ;;\nCREATE DEFINER=\`a\`@\`%\` ${sql};;\nDELIMITER ;\n`, 'latin1');
  const code = async (charset: string, sql: string) => {
    const dump = Buffer.concat([Buffer.from(`SET character_set_client = ${charset};\n`), statement(sql)]);
    return (await rewritten(dump).catch((error) => error.failure.code)) === 'manifest_invalid'
      ? 'refused'
      : 'taken';
  };

  test.each([
    ['a control character after dashes', 'cp1250', "PROCEDURE `p`() SELECT 1 --\x80'\n, 2 -- '\n"],
    ['half of a character', 'gbk', "PROCEDURE `p`() SELECT '\xff\\', 1 -- '"],
    ['another half', 'sjis', "PROCEDURE `p`() SELECT '\x80\\', 1 -- '"],
    ['a NUL', 'utf8mb4', 'PROCEDURE `p`() SELECT 1 -- \0\n'],
  ])('%s', async (_, charset, sql) => {
    expect(await code(charset, sql)).toBe('refused');
  });

  test.each([
    ['sjis', "PROCEDURE `p`() SELECT '\xb1', '\x95\\'"],
    ['gbk', "PROCEDURE `\x81``() SELECT '\xbf\\'"],
    ['latin1', 'TRIGGER gr\xf6\xdfe BEFORE INSERT ON t FOR EACH ROW SET @a = 1'],
  ])('nor stop what people write in %s', async (charset, sql) => {
    expect(await code(charset, sql)).toBe('taken');
  });
});

test('a blank beyond ASCII hides no trigger’s table', async () => {
  const trigger = Buffer.from(
    'SET character_set_client = latin1;\nCREATE DEFINER=`a`@`%` TRIGGER x BEFORE INSERT\xa0ON\xa0u FOR EACH ROW SET @a = 1;\n',
    'latin1',
  );
  const rows = Buffer.from('SET character_set_client = utf8mb4;\nINSERT INTO `u` VALUES (1);\n');
  await expect(rewritten(Buffer.concat([Buffer.from(table('u')), trigger, rows]))).rejects.toMatchObject({
    failure: { code: 'manifest_invalid' },
  });
});

describe('tables', () => {
  test('lose the places of their files: directories of another server, or of anybody here', async () => {
    const { sql, made } = await rewritten(
      "CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB DATA DIRECTORY='/var/www' COMMENT='DATA DIRECTORY' PARTITION BY HASH (`a`) (PARTITION `p0` DATA DIRECTORY = '/x' INDEX DIRECTORY = '/y' ENGINE = InnoDB);\n",
    );
    expect(sql[0]).not.toMatch(/www|\/x|\/y/);
    expect(sql[0]).toContain("COMMENT='DATA DIRECTORY'");
    expect(made.relocated).toEqual(['t']);
  });

  test('of other tables, files or servers take no rows', async () => {
    const engines = new Set(['federated']);
    const sql = 'CREATE TABLE `t` (`a` int) ENGINE=FEDERATED;\n';
    expect(await refusal(sql, { engines })).toBe('taken');
    expect(await refusal(`${sql}INSERT INTO \`t\` VALUES (1);\n`, { engines })).toBe('manifest_invalid');
  });

  test('whose names differ by case alone are one where case does not count', async () => {
    const sql = `${table('t')}CREATE DEFINER=\`a\`@\`%\` TRIGGER x BEFORE INSERT ON T FOR EACH ROW SET @a = 1;\nINSERT INTO \`t\` VALUES (1);\n`;
    expect(await refusal(sql)).toBe('taken');
    expect(await refusal(sql, { foldsNames: true })).toBe('manifest_invalid');
    expect(await refusal('DROP TABLE IF EXISTS `_MARK`;\n', { foldsNames: true })).toBe('manifest_invalid');
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
    expect(made.enabledEvents).toEqual([{ name: 'e', definer: 'a@%' }]);
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
