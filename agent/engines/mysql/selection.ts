import type { Finding } from '../../../protocol/restore.ts';
import type { TableSelection } from '../../../protocol/selection.ts';
import { globMatches } from '../../glob.ts';
import { listed } from '../words.ts';
import { type Catalogue, inDatabase } from './catalogue.ts';
import type { Session } from './connect.ts';

/** A selection applied to the tables a database has now. */
export interface Selected {
  /** Tables whose definition is dumped without rows. */
  excluded: string[];
  /** Patterns that no table matches. */
  unmatched: string[];
}

/** Applies `selection`; only tables have rows, so views and sequences are never left out. */
export function applySelection(catalogue: Catalogue, selection: TableSelection): Selected {
  const tables = catalogue.relations.filter((one) => one.kind === 'table').map((one) => one.name);
  const matches = (patterns: readonly string[], name: string) =>
    patterns.some((pattern) => globMatches(pattern, name));
  const kept = (name: string) =>
    (selection.include.length === 0 || matches(selection.include, name)) && !matches(selection.exclude, name);
  return {
    excluded: tables.filter((name) => !kept(name)),
    unmatched: [...selection.include, ...selection.exclude].filter(
      (pattern) => !tables.some((name) => globMatches(pattern, name)),
    ),
  };
}

/** What the selection leaves out, and what in it cannot be as wanted. */
export async function selectionFindings(
  session: Session,
  database: string,
  { excluded, unmatched }: Selected,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (excluded.length > 0) {
    findings.push({
      severity: 'info',
      code: 'rows_left_out',
      message: `The rows of ${listed(excluded)} are left out; their definitions are backed up.`,
    });
  }
  if (unmatched.length > 0) {
    findings.push({
      severity: 'warning',
      code: 'pattern_unmatched',
      message: `No table matches ${listed(unmatched)}.`,
      hint: 'Correct the selection, or leave it for tables that are yet to come.',
    });
  }
  const torn = await tornReferences(session, database, excluded);
  if (torn.length > 0) {
    findings.push({
      severity: 'blocker',
      code: 'reference_left_out',
      message: `Rows that are backed up refer to rows that are left out: ${listed(torn.map(({ from, to }) => `${from} → ${to}`))}.`,
      hint: 'Select both tables of a foreign key, or neither.',
    });
  }
  return findings;
}

async function tornReferences(session: Session, database: string, excluded: readonly string[]) {
  if (excluded.length === 0) return [];
  const references = await session.rows<{ from: string; to: string }>(
    `SELECT DISTINCT TABLE_NAME AS \`from\`, REFERENCED_TABLE_NAME AS \`to\`
     FROM information_schema.KEY_COLUMN_USAGE
     WHERE ${inDatabase('TABLE_SCHEMA')} AND REFERENCED_TABLE_SCHEMA = ? ORDER BY 1, 2`,
    [database, database, database],
  );
  const out = new Set(excluded);
  return references.filter(({ from, to }) => !out.has(from) && out.has(to));
}
