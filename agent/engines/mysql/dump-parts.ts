import type { MysqlTool } from './tools.ts';

/** One run of the tool. */
export interface DumpPart {
  args: string[];
  /** Lines of the option file: what would be too much for arguments. */
  options: { name: string; value: string }[];
}

const COMMON = [
  '--single-transaction',
  '--quick',
  '--hex-blob',
  '--default-character-set=utf8mb4',
  '--no-tablespaces',
  // One row in a statement: the chunks of a dump then survive edits elsewhere.
  '--skip-extended-insert',
  '--skip-dump-date',
  '--tz-utc',
  '--max-allowed-packet=1G',
];
const PROGRAMS = ['--routines', '--events', '--triggers'];

/** Since then mysqldump writes DROP and CREATE of masking policies, which belong to the server, not the database. */
const MASKING_POLICIES = 90_700;

function own(tool: Pick<MysqlTool, 'flavour' | 'versionNumber'>): string[] {
  if (tool.flavour === 'mariadb') return [];
  const policies = tool.versionNumber >= MASKING_POLICIES ? ['--skip-masking-policies'] : [];
  return ['--set-gtid-purged=OFF', '--column-statistics=0', ...policies];
}

/**
 * The runs that make up one dump, in order; their output is one script. MySQL’s tool cannot leave out rows alone, so
 * it writes the definitions of those tables first, then everything else.
 */
export function dumpParts(input: {
  tool: Pick<MysqlTool, 'flavour' | 'versionNumber'>;
  database: string;
  excluded: readonly string[];
  history: boolean;
}): DumpPart[] {
  const { tool, database, excluded, history } = input;
  const args = [...COMMON, ...own(tool), ...(history ? ['--dump-history'] : [])];
  const without = (name: string) => excluded.map((table) => ({ name, value: `${database}.${table}` }));
  if (tool.flavour === 'mariadb') {
    return [{ args: [...args, ...PROGRAMS, '--', database], options: without('ignore-table-data') }];
  }
  const rest = { args: [...args, ...PROGRAMS, '--', database], options: without('ignore-table') };
  if (excluded.length === 0) return [rest];
  return [{ args: [...args, '--triggers', '--no-data', '--', database, ...excluded], options: [] }, rest];
}
