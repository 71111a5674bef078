import { fail } from '../../../protocol/failure.ts';
import type { DataBlock } from './archive.ts';
import type { TocEntry } from './archive-toc.ts';
import type { Session } from './connect.ts';

/** Ours: not of the system and not of another session. */
const USER_SCHEMA = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;
const notOfExtension = (catalogue: string, oid: string) =>
  `NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = '${catalogue}'::regclass AND x.objid = ${oid} AND x.deptype = 'e')`;
const RELATION = `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${USER_SCHEMA} AND ${notOfExtension('pg_class', 'c.oid')}`;
const onRelation = (column: string) =>
  `JOIN pg_class c ON c.oid = ${column} JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${USER_SCHEMA} AND ${notOfExtension('pg_class', 'c.oid')}`;
const relations = (kinds: string) => `${RELATION} AND c.relkind IN (${kinds})`;
const functions = (kinds: string) =>
  `pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${USER_SCHEMA} AND p.prokind IN (${kinds})
   AND ${notOfExtension('pg_proc', 'p.oid')}
   AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'i')`;
const types = (condition: string) =>
  `pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
   WHERE ${USER_SCHEMA} AND ${condition} AND ${notOfExtension('pg_type', 't.oid')}`;

/**
 * Per kind, what pg_dump must have written: the kind in its words → the FROM clause that counts it. Only kinds
 * whose entries map one to one onto catalogue rows; a difference means that something was left out.
 */
const COUNTED: Record<string, string> = {
  SCHEMA: `pg_namespace n WHERE ${USER_SCHEMA} AND n.nspname <> 'public' AND ${notOfExtension('pg_namespace', 'n.oid')}`,
  EXTENSION: `pg_extension e WHERE e.oid >= 16384`,
  TABLE: relations(`'r', 'p'`),
  VIEW: relations(`'v'`),
  'MATERIALIZED VIEW': relations(`'m'`),
  'FOREIGN TABLE': relations(`'f'`),
  SEQUENCE: relations(`'S'`),
  FUNCTION: functions(`'f', 'w'`),
  PROCEDURE: functions(`'p'`),
  AGGREGATE: functions(`'a'`),
  DOMAIN: types(`t.typtype = 'd'`),
  TYPE: types(`(t.typtype IN ('e', 'r') OR (t.typtype = 'c' AND c.relkind = 'c') OR (t.typtype = 'p' AND NOT t.typisdefined)
    OR (t.typtype = 'b' AND NOT EXISTS (SELECT 1 FROM pg_type e WHERE e.typarray = t.oid)))`),
  TRIGGER: `pg_trigger g LEFT JOIN pg_trigger u ON u.oid = g.tgparentid ${onRelation('g.tgrelid')}
    AND ((NOT g.tgisinternal AND g.tgparentid = 0) OR g.tgenabled <> u.tgenabled)`,
  POLICY: `pg_policy g ${onRelation('g.polrelid')}`,
  'ROW SECURITY': relations(`'r', 'p'`).concat(' AND c.relrowsecurity'),
  'FK CONSTRAINT': `pg_constraint g ${onRelation('g.conrelid')} AND g.contype = 'f' AND g.conparentid = 0`,
  'EVENT TRIGGER': `pg_event_trigger g WHERE ${notOfExtension('pg_event_trigger', 'g.oid')}`,
  'TABLE DATA': `(SELECT c.oid FROM ${relations(`'r'`)}
    UNION SELECT c.oid FROM pg_extension e, unnest(e.extconfig) AS config JOIN pg_class c ON c.oid = config WHERE c.relkind = 'r') AS r`,
  'large objects': 'pg_largeobject_metadata',
};

/** Counts, in the session's snapshot, what a whole dump must hold, rows of `withoutRows` tables being left out. */
export async function catalogueCounts(
  session: Session,
  withoutRows: number,
): Promise<Record<string, number>> {
  const columns = Object.entries(COUNTED).map(
    ([kind, from]) => `(SELECT count(*)::int FROM ${from}) AS "${kind}"`,
  );
  const [row] = await session.rows<Record<string, number>>(`SELECT ${columns.join(',\n')}`);
  return { ...row, 'TABLE DATA': (row?.['TABLE DATA'] ?? 0) - withoutRows };
}

/** Objects in an archive by kind; large objects are counted in the data itself. */
export function archiveCounts(
  entries: readonly TocEntry[],
  blocks: readonly DataBlock[],
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { desc } of entries) counts[desc] = (counts[desc] ?? 0) + 1;
  const objects = blocks
    .filter((block) => block.entry.desc === 'BLOBS')
    .reduce((sum, block) => sum + block.rows, 0);
  if (objects > 0) counts['large objects'] = objects;
  return counts;
}

/** Throws `dump_incomplete`, naming the kinds, where the archive holds other counts than the catalogue. */
export function compareCounts(
  catalogue: Readonly<Record<string, number>>,
  entries: readonly TocEntry[],
  blocks: readonly DataBlock[],
): void {
  const dumped = archiveCounts(entries.filter(isCounted), blocks);
  const different = Object.entries(catalogue)
    .filter(([kind, count]) => (dumped[kind] ?? 0) !== count)
    .map(([kind, count]) => `${kind}: ${dumped[kind] ?? 0} dumped, ${count} in the catalogue`);
  if (different.length === 0) return;
  throw fail(
    'dump_incomplete',
    `The dump does not hold what the database holds: ${different.join('; ')}.`,
    'Nothing was stored. Run the backup again; if it stays, run the preflight: it tells which privilege is missing.',
    { retryable: true },
  );
}

/** `public` is in every database, and may or may not be in the archive. */
function isCounted(entry: TocEntry): boolean {
  return entry.desc !== 'SCHEMA' || entry.tag !== 'public';
}
