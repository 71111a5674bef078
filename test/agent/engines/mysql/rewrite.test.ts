import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DumpRewriter } from '../../../../agent/engines/mysql/rewrite.ts';
import type { Command, RewriteTerms } from '../../../../agent/engines/mysql/rewrite-statement.ts';
import { FailureError } from '../../../../protocol/failure.ts';

const TERMS: RewriteTerms = {
  target: { flavour: 'mariadb', versionNumber: 101_119 },
  database: 'copy',
  source: 'shop',
  maxStatement: 100_000,
  definer: (account) => account,
  keptTables: new Set(),
  mark: '_mark',
};

async function* pieces(bytes: Buffer, cuts: readonly number[]) {
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b).map((one) => one % (bytes.length + 1))) {
    if (cut <= from) continue;
    yield bytes.subarray(from, cut);
    from = cut;
  }
  yield bytes.subarray(from);
}

async function rewritten(dump: string | Buffer, terms: Partial<RewriteTerms> = {}, cuts: number[] = []) {
  const rewriter = new DumpRewriter({ ...TERMS, ...terms });
  const commands: Command[] = [];
  for await (const command of rewriter.commands(pieces(Buffer.from(dump), cuts))) commands.push(command);
  return { commands, sql: commands.map(({ sql }) => sql.trim().replace(/ +/g, ' ')), made: rewriter.made };
}

const table = (name: string) => `CREATE TABLE \`${name}\` (\n  \`a\` int\n);\n`;
const refusal = async (dump: string, terms: Partial<RewriteTerms> = {}) => {
  const error = await rewritten(dump, terms).then(
    () => 'taken',
    (reason: unknown) => reason,
  );
  return error instanceof FailureError ? error.failure.code : error;
};

describe('rows', () => {
  test('of one table become one statement, and stop at its end', async () => {
    const { sql, made } = await rewritten(
      `${table('t')}${table('u')}LOCK TABLES \`t\` WRITE;\nINSERT INTO \`t\` VALUES (1,'x;\\'');\nINSERT INTO \`t\` VALUES (-2,NULL);\nUNLOCK TABLES;\nINSERT INTO \`u\` (\`a\`, row_start) VALUES (0xFF,_binary '\\0');\nINSERT INTO \`u\` (\`a\`, row_start) VALUES (1.5e-7,b'1');\nINSERT INTO \`u\` VALUES (3);\n`,
    );
    expect(sql.slice(2)).toEqual([
      "INSERT INTO `t` VALUES (1,'x;\\''),(-2,NULL)",
      'COMMIT',
      "INSERT INTO `u` (`a`, row_start) VALUES (0xFF,_binary '\\0'),(1.5e-7,b'1')",
      'INSERT INTO `u` VALUES (3)',
    ]);
    expect([...made.rows]).toEqual([
      ['t', 2],
      ['u', 3],
    ]);
  });

  test('fit the batch; a longer one passes alone; one too long for the server is refused', async () => {
    const row = (length: number) => `INSERT INTO \`t\` VALUES ('${'x'.repeat(length)}');\n`;
    const { commands } = await rewritten(`${table('t')}${row(90).repeat(5)}${row(500)}${row(3)}`, {
      batchBytes: 300,
    });
    expect(commands.slice(1).map(({ rows }) => rows)).toEqual([2, 2, 1, 1, 1]);
    for (const { sql } of commands.slice(1)) expect(sql.length <= 300 || sql.length > 500).toBe(true);
    expect(await refusal(table('t') + row(2000), { maxStatement: 1000 })).toBe('restore_not_possible');
  });

  const value = fc.oneof(
    fc
      .string({ unit: 'binary' })
      .map((text) => `'${text.replace(/[\\'"\n\r\0]/g, '\\$&').replaceAll('\0', '0')}'`),
    fc.integer().map(String),
    fc.constantFrom('NULL', '0x00FF', "''", "'it''s'", "'--'", "'/*'", "';'", "'\\\\'"),
  );
  const rows = fc.array(
    fc.tuple(fc.constantFrom('t', 'u`u', 'n\nl'), fc.array(value, { minLength: 1, maxLength: 4 })),
  );

  test('any cut of the input gives the same; taken apart, the output is the input', async () => {
    const quoted = (name: string) => `\`${name.replaceAll('`', '``')}\``;
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.array(fc.nat()),
        fc.integer({ min: 40, max: 400 }),
        async (all, cuts, batchBytes) => {
          const lines = all.map(
            ([name, values]) => `INSERT INTO ${quoted(name)} VALUES (${values.join(',')});\n`,
          );
          const tables = ['t', 'u`u', 'n\nl'].map((name) => `CREATE TABLE ${quoted(name)} (\`a\` int);\n`);
          const dump = Buffer.from(tables.join('') + lines.join(''));
          const whole = await rewritten(dump, { batchBytes });
          const cut = await rewritten(dump, { batchBytes }, cuts);
          expect(cut.commands).toEqual(whole.commands);
          const count = whole.commands.reduce((sum, { rows = 0 }) => sum + rows, 0);
          expect(count).toBe(all.length);
          const joined = whole.commands
            .slice(3)
            .map(({ sql }) => Buffer.from(sql, 'latin1').toString('utf8'));
          let at = 0;
          for (const sql of joined) {
            const [name] = all[at] ?? ['t'];
            const head = `INSERT INTO ${quoted(name)} VALUES `;
            expect(sql.startsWith(head)).toBe(true);
            let rest = sql.slice(head.length);
            while (rest.length > 0) {
              const row = `(${all[at]?.[1].join(',')})`;
              expect(rest.startsWith(row)).toBe(true);
              rest = rest.slice(row.length + 1);
              at += 1;
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test.each([
    ['a function', "(LOAD_FILE('/etc/passwd'))"],
    ['a subquery', '((SELECT 1))'],
    ['a variable', '(@@version)'],
    ['a comment', "(1-- '\n,2)"],
    ['another comment', "(1/*'*/)"],
    ['a clause after them', '(1) ON DUPLICATE KEY UPDATE a = 2'],
    ['nothing', ''],
  ])('that hold %s are refused', async (_, values) => {
    expect(await refusal(`${table('t')}INSERT INTO \`t\` VALUES ${values};\n`)).toBe('manifest_invalid');
  });

  test.each([
    'INSERT INTO `mysql`.`user` VALUES (1);\n',
    'INSERT INTO `other` VALUES (1);\n',
    'INSERT INTO `t` SELECT * FROM mysql.user;\n',
    'INSERT INTO `t` SET a = 1;\n',
  ])('go into tables of the dump only: %s', async (statement) => {
    expect(await refusal(table('t') + statement)).toBe('manifest_invalid');
  });

  test('come before their table’s triggers: a restore runs nobody’s code', async () => {
    const trigger =
      'DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`%`*/ /*!50003 TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1 */;;\nDELIMITER ;\n';
    expect(await refusal(`${table('t')}${trigger}INSERT INTO \`t\` VALUES (1);\n`)).toBe('manifest_invalid');
    expect(await refusal(`${table('t')}INSERT INTO \`t\` VALUES (1);\n${trigger}`)).toBe('taken');
  });
});

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
