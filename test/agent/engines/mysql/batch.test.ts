import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refusal, rewritten, table } from './rewritten.ts';

describe('rows', () => {
  test('of one table become one statement, and stop at its end', async () => {
    const { sql, made } = await rewritten(
      `${table('t')}${table('u')}LOCK TABLES \`t\` WRITE;\nINSERT INTO \`t\` VALUES (1,'x;\\'');\nINSERT INTO \`t\` VALUES (-2,NULL);\nUNLOCK TABLES;\nINSERT INTO \`u\` (\`a\`, row_start) VALUES (0xFF,_binary '\\0');\nINSERT INTO \`u\` (\`a\`, row_start) VALUES (1.5e-7,b'1');\nINSERT INTO \`u\` VALUES (3);\n`,
    );
    expect(sql.slice(2)).toEqual([
      "INSERT INTO `t` VALUES (1,'x;\\''),(-2,NULL)",
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
