import { z } from 'zod';
import { fail } from '../../../protocol/failure.ts';

const name = z.string().max(255);

/** Locale of a database, as `CREATE DATABASE` takes it. */
export const localeSchema = z.object({
  encoding: name,
  /** `libc`, `icu` or `builtin`. */
  provider: z.enum(['libc', 'icu', 'builtin']),
  collate: z.string(),
  ctype: z.string(),
  /** Locale of the provider, where that is not libc. */
  locale: z.string().nullable(),
  icuRules: z.string().nullable(),
});
export type DatabaseLocale = z.infer<typeof localeSchema>;

/** What a PostgreSQL snapshot needs of its target: `SnapshotCatalog.requirements` of this engine. */
export const requirementsSchema = z.object({
  format: z.literal('homeport-pg-requirements/1'),
  database: name,
  serverMajor: z.number().int(),
  /** Major of the pg_dump that wrote the archive; an older pg_restore cannot read it. */
  dumpMajor: z.number().int(),
  locale: localeSchema,
  owner: name,
  /** Roles that own something, are granted something, or are named by a policy or user mapping. */
  roles: z.array(z.object({ name, owns: z.boolean(), superuser: z.boolean() })),
  /** Roles that row-security policies or user mappings name: needed even without owners and grants. */
  namedRoles: z.array(name),
  extensions: z.array(z.object({ name, version: z.string(), schema: name })),
  tablespaces: z.array(name),
  hasLargeObjects: z.boolean(),
  hasEventTriggers: z.boolean(),
  hasSubscriptions: z.boolean(),
  /** Whether a role that is no superuser owns code (functions, CHECKs, index expressions) that a restore may run. */
  lesserOwnersHaveCode: z.boolean(),
  /**
   * Owners of something in a schema whose owner they are no member of. Only a superuser can give it to them: their
   * CREATE on the schema is restored after the owners are set.
   */
  guests: z.array(z.object({ role: name, schema: name })).default([]),
  /**
   * Partitions whose foreign-key triggers are switched otherwise than their parents'. pg_dump writes that down by
   * the triggers' present names, which a restored database does not have.
   */
  switchedPartitions: z.array(z.string()).default([]),
  /** Names of what `ALTER DATABASE … SET` and `ALTER ROLE … IN DATABASE … SET` had set. */
  settings: z.array(z.string()).default([]),
  /** Roles with settings of their own in the database. */
  rolesWithSettings: z.array(name).default([]),
  /** Tables whose definition is here and whose rows are not, as `schema.table`. */
  excludedTables: z.array(z.string()).default([]),
  /** The same with both names apart: either may hold a dot. */
  leftOut: z.array(z.object({ schema: name, name })).default([]),
  /** Schemas that something is made in, `public` included. */
  schemas: z.array(name).default([]),
  /** All objects as pg_identify_object names them, e.g. `table public.orders`; `null` where they are too many. */
  objects: z.array(z.string()).nullable().default(null),
  sizeBytes: z.number(),
});
export type PostgresRequirements = z.infer<typeof requirementsSchema>;

/** Reads the requirements out of a snapshot's catalog; throws `manifest_invalid`. */
export function parseRequirements(value: unknown): PostgresRequirements {
  const parsed = requirementsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw fail(
    'manifest_invalid',
    'The snapshot’s requirements cannot be read.',
    'It was made by a newer Homeport or for another engine. Update the agent.',
    {
      cause: parsed.error,
    },
  );
}
