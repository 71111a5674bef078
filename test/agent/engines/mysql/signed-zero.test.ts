import { expect, test } from 'vitest';
import { withSignedZeros } from '../../../../agent/engines/mysql/signed-zero.ts';

const rewritten = (sql: string) => withSignedZeros(sql, 1000);

test('a negative zero keeps its sign; texts and names stay as they are', () => {
  expect(rewritten('INSERT INTO `t` VALUES (-0,-0),(1,-0);')).toBe(
    'INSERT INTO `t` VALUES (-0e0,-0e0),(1,-0e0);',
  );
  const alone = [
    "INSERT INTO `a,-0,` VALUES (-1,-0.5,'(-0)','it\\'s,-0,','it''s,-0,','\\\\');",
    "INSERT INTO `it's (-0)` VALUES (1,'x');",
    "INSERT INTO `t` (`a``(-0)`) VALUES ('\\\\\\',-0,');",
  ];
  for (const sql of alone) expect(rewritten(sql)).toBe(sql);
  expect(rewritten("INSERT INTO `it's` VALUES (',-0,',-0,'\\\\',-0);")).toBe(
    "INSERT INTO `it's` VALUES (',-0,',-0e0,'\\\\',-0e0);",
  );
});

test('a statement does not outgrow what the server takes', () => {
  expect(withSignedZeros('INSERT INTO `t` VALUES (-0)', 28)).toBe('INSERT INTO `t` VALUES (-0)');
});
