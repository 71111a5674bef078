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
  foldsNames: false,
  engines: new Set(['innodb']),
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

export async function rewritten(
  dump: string | Buffer,
  terms: Partial<RewriteTerms> = {},
  cuts: number[] = [],
) {
  const rewriter = new DumpRewriter({ ...TERMS, ...terms });
  const commands: Command[] = [];
  for await (const command of rewriter.commands(pieces(Buffer.from(dump), cuts))) commands.push(command);
  return { commands, sql: commands.map(({ sql }) => sql.trim().replace(/ +/g, ' ')), made: rewriter.made };
}

export const table = (name: string) => `CREATE TABLE \`${name}\` (\n  \`a\` int\n);\n`;
export const refusal = async (dump: string, terms: Partial<RewriteTerms> = {}) => {
  const error = await rewritten(dump, terms).then(
    () => 'taken',
    (reason: unknown) => reason,
  );
  return error instanceof FailureError ? error.failure.code : error;
};
