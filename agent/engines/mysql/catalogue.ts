import type { Session } from './connect.ts';
import type { ObjectKind } from './requirements.ts';

/** One table, view or sequence. */
export interface Relation {
  name: string;
  kind: 'table' | 'view' | 'sequence';
  /** `null` for views, and for tables whose engine the server cannot load. */
  engine: string | null;
  collation: string | null;
  created: string | null;
  options: string;
  /** What the server says about it; its complaint where it cannot be opened. */
  comment: string;
  /** MariaDB: the server keeps former rows. */
  versioned: boolean;
  bytes: number;
}

/** A routine, trigger, event or library. */
export interface Program {
  name: string;
  kind: ObjectKind;
  /** Whom it runs as; of a library, who made it: it runs as what uses it does. */
  definer: string;
  sqlMode: string;
  changed: string;
  /** Whether its text may be read; a dump fails on one that may not. */
  readable: boolean;
  /** Of events: whether it is switched on. */
  enabled: boolean;
}

/** All that a database holds, as far as the account can see it. */
export interface Catalogue {
  relations: Relation[];
  views: { name: string; definer: string }[];
  programs: Program[];
}

/** Names compare by their bytes: a server that tells case apart has both “a” and “A”. */
export function inDatabase(column: string): string {
  return `${column} = ? AND CAST(${column} AS BINARY) = CAST(? AS BINARY)`;
}

/** The order of names: those that differ by case alone come in one order, too, not as the server finds them. */
function byName(column: string): string {
  return `${column}, CAST(${column} AS BINARY)`;
}

/** Reads what a database holds. */
export async function readCatalogue(session: Session, database: string): Promise<Catalogue> {
  const ours = [database, database];
  const relations = await session.rows<Record<string, string | null>>(
    `SELECT TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine, TABLE_COLLATION AS collation,
       CREATE_TIME AS created, COALESCE(CREATE_OPTIONS, '') AS options, COALESCE(TABLE_COMMENT, '') AS comment,
       COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0) AS bytes
     FROM information_schema.TABLES WHERE ${inDatabase('TABLE_SCHEMA')} AND TABLE_TYPE <> 'TEMPORARY'
     ORDER BY ${byName('TABLE_NAME')}`,
    ours,
  );
  return {
    relations: relations.map((row) => ({
      name: row.name ?? '',
      kind: row.type === 'VIEW' ? 'view' : row.type === 'SEQUENCE' ? 'sequence' : 'table',
      engine: row.engine ?? null,
      collation: row.collation ?? null,
      created: row.created ?? null,
      options: row.options ?? '',
      comment: row.comment ?? '',
      versioned: row.type === 'SYSTEM VERSIONED',
      bytes: Number(row.bytes),
    })),
    views: await session.rows(
      `SELECT TABLE_NAME AS name, DEFINER AS definer FROM information_schema.VIEWS
       WHERE ${inDatabase('TABLE_SCHEMA')} ORDER BY ${byName('TABLE_NAME')}`,
      ours,
    ),
    programs: [...(await readPrograms(session, ours)), ...(await readLibraries(session, ours))],
  };
}

async function readPrograms(session: Session, ours: string[]): Promise<Program[]> {
  const rows = await session.rows<Record<string, string | null>>(
    `SELECT LOWER(ROUTINE_TYPE) AS kind, ROUTINE_NAME AS name, DEFINER AS definer, SQL_MODE AS mode,
       CAST(LAST_ALTERED AS CHAR) AS changed, ROUTINE_DEFINITION IS NOT NULL AS readable, NULL AS status
     FROM information_schema.ROUTINES WHERE ${inDatabase('ROUTINE_SCHEMA')}
     UNION ALL SELECT 'trigger', TRIGGER_NAME, DEFINER, SQL_MODE, COALESCE(CAST(CREATED AS CHAR), ''), 1, NULL
     FROM information_schema.TRIGGERS WHERE ${inDatabase('TRIGGER_SCHEMA')}
     UNION ALL SELECT 'event', EVENT_NAME, DEFINER, SQL_MODE, CAST(LAST_ALTERED AS CHAR), 1, STATUS
     FROM information_schema.EVENTS WHERE ${inDatabase('EVENT_SCHEMA')}
     ORDER BY 1, 2`,
    [...ours, ...ours, ...ours],
  );
  return rows.map((row) => ({
    name: row.name ?? '',
    kind: row.kind as ObjectKind,
    definer: row.definer ?? '',
    sqlMode: row.mode ?? '',
    changed: row.changed ?? '',
    readable: Number(row.readable) === 1,
    enabled: row.status !== null && !/DISABLED/.test(row.status ?? ''),
  }));
}

/** Since then MySQL has libraries: code that routines in other languages share. */
export const LIBRARIES = 90_200;

async function readLibraries(session: Session, ours: string[]): Promise<Program[]> {
  if (session.flavour !== 'mysql' || session.versionNumber < LIBRARIES) return [];
  const rows = await session.rows<Record<'name' | 'creator' | 'mode' | 'changed' | 'readable', string>>(
    `SELECT LIBRARY_NAME AS name, CREATOR AS creator, SQL_MODE AS mode, CAST(LAST_ALTERED AS CHAR) AS changed,
       LIBRARY_DEFINITION IS NOT NULL AS readable
     FROM information_schema.LIBRARIES WHERE ${inDatabase('LIBRARY_SCHEMA')} ORDER BY 1`,
    ours,
  );
  return rows.map((row) => ({
    name: row.name,
    kind: 'library',
    definer: row.creator,
    sqlMode: row.mode,
    changed: row.changed,
    readable: Number(row.readable) === 1,
    enabled: false,
  }));
}

/** How many objects of each kind there are; kinds without any are absent. */
export function countKinds(catalogue: Catalogue): Partial<Record<ObjectKind, number>> {
  const counts: Partial<Record<ObjectKind, number>> = {};
  for (const { kind } of [...catalogue.relations, ...catalogue.programs]) {
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** A snapshot's requirements must fit a frame. */
const MAX_OBJECTS = 5000;

/** Everything there is, as `kind name`; `null` where that is too much to be listed. */
export function objectNames(catalogue: Catalogue): string[] | null {
  const names = [...catalogue.relations, ...catalogue.programs].map(({ kind, name }) => `${kind} ${name}`);
  return names.length > MAX_OBJECTS || names.join('').length > 200_000 ? null : names;
}

/** What differs between two readings, in words: somebody changed definitions meanwhile. */
export function changes(before: Catalogue, after: Catalogue): string[] {
  const then = marks(before);
  const now = marks(after);
  const touched = [...then].filter(([key, mark]) => now.get(key) !== mark).map(([key]) => key);
  const added = [...now.keys()].filter((key) => !then.has(key));
  return [...touched, ...added];
}

function marks(catalogue: Catalogue): Map<string, string> {
  return new Map([
    ...catalogue.relations.map((one): [string, string] => [
      `${one.kind} ${one.name}`,
      `${one.created} ${one.engine}`,
    ]),
    ...catalogue.programs.map((one): [string, string] => [`${one.kind} ${one.name}`, one.changed]),
  ]);
}
