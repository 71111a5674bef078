import type { Finding } from '../../../protocol/restore.ts';
import type { TableSelection } from '../../../protocol/selection.ts';
import { globMatches } from '../../glob.ts';
import { listed } from '../words.ts';
import type { Session } from './connect.ts';
import type { TableName } from './drops.ts';
import { quoteIdent } from './quote.ts';

interface Table extends TableName {
  oid: number;
  /** The partitioned table it is a partition of, and that one's, up to the top. */
  ancestors: number[];
  /** Whether it has rows of its own: a partitioned table has none. */
  hasRows: boolean;
}

/** What a selection means in one database, at one moment. */
export interface Resolved {
  /** Tables whose rows stay out, partitions by their own names; partitioned tables are named too, for people. */
  leftOut: TableName[];
  /** How many of those have rows of their own. */
  withoutRows: number;
  /** Patterns no table matches. */
  unmatched: string[];
  /** Foreign keys whose table is in and whose referenced table's rows are not. */
  broken: { key: string; from: string; to: string }[];
}

const dotted = ({ schema, name }: TableName) => `${schema}.${name}`;

/**
 * Finds the tables a selection leaves out. A partition goes by its own name or by that of a table it is a partition
 * of; tables that inherit otherwise are tables of their own.
 */
export async function resolveSelection(session: Session, selection: TableSelection): Promise<Resolved> {
  if (selection.include.length + selection.exclude.length === 0)
    return { leftOut: [], withoutRows: 0, unmatched: [], broken: [] };
  const tables = await readTables(session);
  const names = new Map(tables.map((table) => [table.oid, dotted(table)]));
  const matches = (table: Table, patterns: readonly string[]) =>
    [table.oid, ...table.ancestors].some((oid) =>
      patterns.some((pattern) => globMatches(pattern, names.get(oid) ?? '')),
    );
  const isIn = (table: Table) =>
    (selection.include.length === 0 || matches(table, selection.include)) &&
    !matches(table, selection.exclude);
  // A partitioned table has no rows of its own: it is out where it was named, not where a partition is.
  const out = tables.filter((table) => !isIn(table) && (table.hasRows || !hasPartIn(table, tables, isIn)));
  return {
    leftOut: out.map(({ schema, name }) => ({ schema, name })),
    withoutRows: out.filter((table) => table.hasRows).length,
    unmatched: [...selection.include, ...selection.exclude].filter(
      (pattern) => !tables.some((table) => globMatches(pattern, dotted(table))),
    ),
    broken: await brokenKeys(session, out),
  };
}

function hasPartIn(table: Table, tables: readonly Table[], isIn: (table: Table) => boolean): boolean {
  return tables.some((one) => one.hasRows && one.ancestors.includes(table.oid) && isIn(one));
}

/** Tables that a dump has rows of: of users, or configuration tables of extensions. */
async function readTables(session: Session): Promise<Table[]> {
  return await session.rows<Table>(
    `SELECT c.oid::int8::float8 AS oid, n.nspname AS schema, c.relname AS name, c.relkind = 'r' AS "hasRows",
       CASE WHEN c.relispartition THEN ARRAY(SELECT relid::oid::int8::float8 FROM pg_partition_ancestors(c.oid) WHERE relid <> c.oid)
         ELSE '{}' END AS ancestors
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p') AND (
       EXISTS (SELECT 1 FROM pg_extension e WHERE c.oid = ANY (e.extconfig))
       OR NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e'))
     ORDER BY 2, 3`,
  );
}

async function brokenKeys(session: Session, out: readonly Table[]): Promise<Resolved['broken']> {
  if (out.length === 0) return [];
  return await session.rows(
    `SELECT DISTINCT conname AS key, fn.nspname || '.' || f.relname AS "from", tn.nspname || '.' || t.relname AS "to"
     FROM pg_constraint k JOIN pg_class f ON f.oid = k.conrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
       JOIN pg_class t ON t.oid = k.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
     WHERE k.contype = 'f' AND f.relkind = 'r' AND k.confrelid = ANY ($1::oid[]) AND k.conrelid <> ALL ($1::oid[]) ORDER BY 2, 1`,
    [out.map((table) => table.oid)],
  );
}

/** Options of pg_dump for what is left out. Quoted names: `*` and its kin mean themselves inside quotes. */
export function selectionArguments({ leftOut }: Resolved): string[] {
  return leftOut.map(({ schema, name }) => `--exclude-table-data=${quoteIdent(schema)}.${quoteIdent(name)}`);
}

/** What to know about a selection before a backup. */
export function selectionFindings({ leftOut, unmatched, broken }: Resolved): Finding[] {
  const findings: Finding[] = [];
  if (leftOut.length > 0) {
    findings.push({
      severity: 'info',
      code: 'rows_left_out',
      message: `Rows of ${listed(leftOut.map(dotted))} are left out; their definitions are in the backup.`,
    });
  }
  if (unmatched.length > 0) {
    findings.push({
      severity: 'warning',
      code: 'pattern_unmatched',
      message: `No table matches ${listed(unmatched)}.`,
      hint: 'Patterns are written schema.table; * stands for any characters. Look for a table that was renamed or dropped.',
    });
  }
  if (broken.length > 0) {
    findings.push({
      severity: 'blocker',
      code: 'reference_left_out',
      message: `Rows would refer to rows that are left out, and the restore would fail: ${listed(broken.map((one) => `${one.from} → ${one.to} (${one.key})`))}.`,
      hint: 'Leave out the tables that refer to it as well, or take the table they refer to back in.',
    });
  }
  return findings;
}
