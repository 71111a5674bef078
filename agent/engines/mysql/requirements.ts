import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';

const name = z.string().max(255);
const names = z.array(name);

/** Kinds of objects a dump holds, as `objectCounts` of this engine names them. */
export const OBJECT_KINDS = [
  'table',
  'view',
  'trigger',
  'function',
  'procedure',
  'event',
  'sequence',
  'package',
  'package body',
  'library',
] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];

/** What a MySQL or MariaDB snapshot needs of its target: `SnapshotCatalog.requirements` of these engines. */
export const requirementsSchema = z.object({
  format: z.literal('homeport-mysql-requirements/1'),
  flavour: z.enum(['mysql', 'mariadb']),
  database: name,
  /** The server's version as a number that compares: 101119, 80403. */
  serverVersion: z.number().int(),
  /** Version of the dump tool, in the same way. */
  dumpVersion: z.number().int(),
  /** Defaults of the database. */
  charset: name,
  collation: name,
  /** Comment of the database; MariaDB has one. */
  comment: z.string().default(''),
  /** Accounts in whose name views, routines, triggers and events run, with the kinds that do. */
  definers: z.array(z.object({ account: z.string().max(400), kinds: z.array(z.enum(OBJECT_KINDS)) })),
  counts: z.record(z.string(), z.number().int().nonnegative()),
  /** Tables whose engine has no transactions: their rows are of slightly different moments. */
  nonTransactional: names,
  /** sql_modes that triggers, routines and events were made under. */
  sqlModes: z.array(z.string()),
  /** Bytes of the dump's longest statement: the target's max_allowed_packet must not be smaller. */
  maxRowBytes: z.number().int().nonnegative(),
  /** Tables whose rows were left out by the selection. */
  excludedTables: names,
  features: z.object({
    systemVersioning: z.boolean(),
    /** Whether the rows' history is in the dump as well; a target must let it be inserted. */
    history: z.boolean(),
    sequences: z.boolean(),
    packages: z.boolean(),
    partitions: z.boolean(),
    generatedColumns: z.boolean(),
    encryption: z.boolean(),
  }),
  /** Storage engines in use; a target must have them. */
  engines: names,
  /** Collations in use, by tables, columns, the database and routines; a target must know them. */
  collations: names,
  /** What the database held, as `kind name`; `null` where that is too much to be listed. */
  objects: z.array(z.string()).nullable().default(null),
  /** Events that are not disabled at the source: those that `enable-events` lets run again. */
  enabledEvents: names,
  /** `lower_case_table_names` of the source. */
  lowerCaseTableNames: z.number().int(),
  sizeBytes: z.number(),
});
export type MysqlRequirements = z.infer<typeof requirementsSchema>;

/** Reads the requirements out of a snapshot's catalog; throws `manifest_invalid`. */
export function parseRequirements(value: unknown): MysqlRequirements {
  const parsed = requirementsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw fail(
    'manifest_invalid',
    'The snapshot’s requirements cannot be read.',
    'It was made by a newer Homeport or for another engine. Update the agent.',
    { cause: parsed.error },
  );
}
