import { z } from 'zod';
import { type EngineDefinition, TLS_MODES } from './engine.ts';
import { loginFields } from './fields.ts';

/** Non-secret settings of a PostgreSQL server. `host` may be a directory: then it is a unix socket's. */
export const postgresConnectionSchema = z.object({
  host: z.string().min(1).max(255),
  port: z.number().int().min(1).max(65535),
  user: z.string().min(1).max(63),
  tls: z.enum(TLS_MODES),
  ca: z.string().max(65536).optional(),
  /** Database to log in to for questions about the server; `postgres` where absent. */
  maintenanceDatabase: z.string().min(1).max(63).optional(),
});
export type PostgresConnection = z.infer<typeof postgresConnectionSchema>;

const createUser = `CREATE USER {user} WITH PASSWORD '{password}';`;

export const postgresql: EngineDefinition = {
  connection: postgresConnectionSchema,
  descriptor: {
    id: 'postgresql',
    label: 'PostgreSQL',
    defaultPort: 5432,
    identifierQuote: '"',
    backslashEscapes: false,
    fields: [
      {
        name: 'host',
        label: 'Host',
        kind: 'text',
        required: true,
        default: '127.0.0.1',
        help: 'As the agent sees it: a name, an address, or the directory of a unix socket.',
      },
      { name: 'port', label: 'Port', kind: 'number', required: true, default: 5432 },
      { name: 'user', label: 'User', kind: 'text', required: true, placeholder: 'homeport' },
      ...loginFields,
      {
        name: 'maintenanceDatabase',
        label: 'Maintenance database',
        kind: 'text',
        required: false,
        placeholder: 'postgres',
        help: 'The database to log in to for server-wide questions, where it is not “postgres”.',
      },
    ],
    accounts: [
      {
        id: 'superuser',
        platform: 'Self-hosted',
        scope: 'all',
        label: 'Superuser',
        sql: `${createUser}\nALTER USER {user} WITH SUPERUSER;`,
        note: 'Backs up and restores everything, roles with their passwords included.',
      },
      {
        id: 'createdb',
        platform: 'Self-hosted',
        scope: 'all',
        label: 'CREATEDB',
        sql: `${createUser}\nALTER USER {user} WITH CREATEDB;\n-- to read what other roles own (PostgreSQL 14 and later):\nGRANT pg_read_all_data TO {user};`,
        note: 'Creates databases for restores. Reading what others own needs the second grant.',
      },
      {
        id: 'rds',
        platform: 'AWS RDS',
        scope: 'all',
        label: 'rds_superuser',
        sql: `${createUser}\nGRANT rds_superuser TO {user};`,
        note: 'RDS has no SUPERUSER; this role stands in for it. CREATEDB does not come with a membership: new database and swap also take ALTER USER … CREATEDB.',
      },
      {
        id: 'azure',
        platform: 'Azure',
        scope: 'all',
        label: 'azure_pg_admin',
        sql: `${createUser}\nGRANT azure_pg_admin TO {user};`,
        note: 'Azure has no SUPERUSER; this role stands in for it. CREATEDB does not come with a membership: new database and swap also take ALTER USER … CREATEDB.',
      },
      {
        id: 'single',
        platform: 'Any',
        scope: 'single',
        label: 'One database',
        sql: [
          createUser,
          'GRANT ALL PRIVILEGES ON DATABASE {database} TO {user};',
          '\\c {database}',
          'GRANT ALL PRIVILEGES ON SCHEMA public TO {user};',
          'GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA public TO {user};',
          'GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {user};',
          'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {user};',
          'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO {user};',
        ].join('\n'),
        note: 'Backs up this database. It can neither create nor drop one; restoring in place also takes membership in the role that owns what is there, for which the preflight prints the GRANT.',
      },
    ],
    restoreModes: [
      {
        id: 'new',
        label: 'New database',
        help: 'Creates a database under a name that is free. Nothing existing is touched.',
      },
      {
        id: 'swap',
        label: 'Swap',
        help: 'Restores beside the target, then exchanges the names in one transaction. The old database is kept under another name until you drop it.',
      },
      {
        id: 'in-place',
        label: 'In place',
        help: 'Drops what the database holds and makes again what the snapshot holds, in one transaction: a failure leaves everything as it was. For accounts that may not create databases.',
      },
    ],
    ownerChoices: [
      { id: 'keep', label: 'Keep owners', help: 'Every role the dump names must exist on the target.' },
      {
        id: 'create-roles',
        label: 'Create missing roles',
        help: 'Roles that are missing are created first, without login passwords unless the backup had them.',
      },
      { id: 'map', label: 'Map owners', help: 'What a missing role owned goes to a role you choose.' },
      {
        id: 'none',
        label: 'No owners',
        help: 'Everything belongs to the restoring account; grants are left out.',
      },
    ],
    ownership: {
      legend: 'Who owns what is restored',
      mapLabel: 'Role that takes over',
      mapHelp: 'A role the target server has. It gets what the missing roles owned.',
    },
    restoreSwitches: [],
    tablePattern: {
      placeholder: 'public.audit_log',
      help: 'schema.table, one on each line; * stands for any characters.',
    },
    download: {
      stream: 'dump',
      extension: '.dump',
      mediaType: 'application/octet-stream',
      restoreCommand: 'pg_restore --dbname=NAME FILE',
    },
  },
};
