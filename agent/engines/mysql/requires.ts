import { type Catalogue, countKinds, inDatabase, objectNames } from './catalogue.ts';
import type { Session } from './connect.ts';
import type { MysqlRequirements, ObjectKind } from './requirements.ts';
import { isTransactional } from './storage-engines.ts';
import type { MysqlTool } from './tools.ts';

/** Names of tables that are not read at one moment with the others. */
export function nonTransactional(catalogue: Catalogue): string[] {
  return catalogue.relations
    .filter((one) => one.kind === 'table' && !isTransactional(one.engine))
    .map((one) => one.name);
}

/** Reads what a target will need. */
export async function readRequirements(
  session: Session,
  input: {
    database: string;
    catalogue: Catalogue;
    tool: MysqlTool;
    excluded: string[];
    history: boolean;
    maxRowBytes: number;
  },
): Promise<MysqlRequirements> {
  const { catalogue, database } = input;
  const defaults = await readDefaults(session, database);
  const columns = await readColumnFacts(session, database);
  const tables = catalogue.relations.filter((one) => one.kind === 'table');
  const unique = (names: (string | null)[]) =>
    [...new Set(names.filter((name) => name !== null && name !== ''))].sort() as string[];
  return {
    format: 'homeport-mysql-requirements/1',
    flavour: session.flavour,
    database,
    serverVersion: session.versionNumber,
    dumpVersion: input.tool.versionNumber,
    ...defaults,
    definers: definersOf(catalogue),
    counts: countKinds(catalogue),
    nonTransactional: nonTransactional(catalogue),
    sqlModes: unique(catalogue.programs.map((one) => one.sqlMode)),
    maxRowBytes: input.maxRowBytes,
    excludedTables: input.excluded,
    features: {
      systemVersioning: tables.some((one) => one.versioned),
      history: input.history,
      sequences: catalogue.relations.some((one) => one.kind === 'sequence'),
      packages: catalogue.programs.some((one) => one.kind === 'package'),
      partitions: tables.some((one) => one.options.includes('partitioned')),
      generatedColumns: columns.generated,
      encryption: tables.some((one) => /encrypt/i.test(one.options)),
    },
    engines: unique(tables.map((one) => one.engine)),
    collations: unique([defaults.collation, ...tables.map((one) => one.collation), ...columns.collations]),
    objects: objectNames(catalogue),
    enabledEvents: catalogue.programs
      .filter((one) => one.kind === 'event' && one.enabled)
      .map((one) => one.name),
    sizeBytes: tables.reduce((sum, one) => sum + one.bytes, 0),
  };
}

async function readDefaults(session: Session, database: string) {
  const comment = session.flavour === 'mariadb' ? 'SCHEMA_COMMENT' : `''`;
  const [row] = await session.rows<{ charset: string; collation: string; comment: string; lower: string }>(
    `SELECT DEFAULT_CHARACTER_SET_NAME AS charset, DEFAULT_COLLATION_NAME AS collation, ${comment} AS comment,
       @@lower_case_table_names AS lower
     FROM information_schema.SCHEMATA WHERE ${inDatabase('SCHEMA_NAME')}`,
    [database, database],
  );
  return {
    charset: row?.charset ?? '',
    collation: row?.collation ?? '',
    comment: row?.comment ?? '',
    lowerCaseTableNames: Number(row?.lower ?? 0),
  };
}

async function readColumnFacts(session: Session, database: string) {
  const rows = await session.rows<{ collation: string | null; generated: string | number }>(
    `SELECT COLLATION_NAME AS collation, MAX(COALESCE(GENERATION_EXPRESSION, '') <> '') AS \`generated\`
     FROM information_schema.COLUMNS WHERE ${inDatabase('TABLE_SCHEMA')} GROUP BY COLLATION_NAME`,
    [database, database],
  );
  return {
    collations: rows.map((row) => row.collation),
    generated: rows.some((row) => Number(row.generated) === 1),
  };
}

function definersOf(catalogue: Catalogue): MysqlRequirements['definers'] {
  const kinds = new Map<string, Set<ObjectKind>>();
  const note = (account: string, kind: ObjectKind) =>
    kinds.set(account, (kinds.get(account) ?? new Set()).add(kind));
  for (const { definer } of catalogue.views) note(definer, 'view');
  for (const { definer, kind } of catalogue.programs) if (kind !== 'library') note(definer, kind);
  return [...kinds].map(([account, set]) => ({ account, kinds: [...set].sort() }));
}
