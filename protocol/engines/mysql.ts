import { z } from 'zod';
import { type AccountRecipe, type EngineDefinition, type EngineDescriptor, TLS_MODES } from './engine.ts';
import { loginFields } from './fields.ts';

/** Non-secret settings of a MySQL or MariaDB server. `host` may be the path of a unix socket. */
export const mysqlConnectionSchema = z.object({
  host: z.string().min(1).max(255),
  port: z.number().int().min(1).max(65535),
  user: z.string().min(1).max(128),
  tls: z.enum(TLS_MODES),
  ca: z.string().max(65536).optional(),
});
export type MysqlConnection = z.infer<typeof mysqlConnectionSchema>;

const createUser = `CREATE USER {user}@'%' IDENTIFIED BY '{password}';`;

/** What backups and restores of tables take, one database at a time. */
const IN_DATABASE =
  'SELECT, SHOW VIEW, TRIGGER, LOCK TABLES, EVENT, CREATE, DROP, ALTER, INDEX, INSERT, UPDATE, DELETE, REFERENCES';
/** The same for a whole server; PROCESS and RELOAD exist globally only. */
const ON_SERVER =
  'SELECT, SHOW VIEW, TRIGGER, LOCK TABLES, PROCESS, EVENT, RELOAD, CREATE, DROP, ALTER, INDEX, INSERT, UPDATE, DELETE, REFERENCES';

/**
 * @param routines what this product needs besides for views, routines and other accounts' definers
 * @param note of the recipe with those
 */
function accounts({ routines, note }: Pick<Product, 'routines' | 'note'>): AccountRecipe[] {
  return [
    {
      id: 'all',
      platform: 'Any',
      scope: 'all',
      label: 'All databases',
      sql: `${createUser}\nGRANT ${ON_SERVER}\nON *.* TO {user}@'%';`,
      note: 'Backs up and restores every database’s tables, and creates databases for restores. Views and routines need more: see “Everything”.',
    },
    {
      id: 'everything',
      platform: 'Any',
      scope: 'all',
      label: 'Everything',
      sql: `${createUser}\nGRANT ${ON_SERVER},\n  ${routines}\nON *.* TO {user}@'%';`,
      note,
    },
    {
      id: 'single',
      platform: 'Any',
      scope: 'single',
      label: 'One database',
      sql: `${createUser}\nGRANT ${IN_DATABASE}\nON {databasePattern}.* TO {user}@'%';`,
      note: 'Backs up this database and restores it in place. It can neither create nor drop the database itself.',
    },
  ];
}

interface Product {
  id: string;
  label: string;
  client: string;
  routines: string;
  note: string;
}

const NOTE = 'Also views, routines, triggers and events, whoever their definer is.';

function descriptor({ client, id, label, ...definers }: Product): EngineDescriptor {
  return {
    id,
    label,
    defaultPort: 3306,
    identifierQuote: '`',
    backslashEscapes: true,
    fields: [
      {
        name: 'host',
        label: 'Host',
        kind: 'text',
        required: true,
        default: '127.0.0.1',
        help: 'As the agent sees it: a name, an address, or the path of a unix socket.',
      },
      { name: 'port', label: 'Port', kind: 'number', required: true, default: 3306 },
      { name: 'user', label: 'User', kind: 'text', required: true, placeholder: 'homeport' },
      ...loginFields,
    ],
    accounts: accounts(definers),
    restoreModes: [
      {
        id: 'new',
        label: 'New database',
        help: 'Creates a database under a name that is free. Nothing existing is touched.',
      },
      {
        id: 'in-place',
        label: 'In place',
        help: 'Drops what is in the database and restores the snapshot there. This cannot be undone half-way: take the safety snapshot.',
      },
    ],
    ownerChoices: [
      {
        id: 'keep',
        label: 'Keep definers',
        help: 'Views, routines, triggers and events run as the accounts they ran as.',
      },
      {
        id: 'map',
        label: 'Map definers',
        help: 'They run as one account of your choice, which should have few rights.',
      },
    ],
    ownership: {
      legend: 'As whom views, routines, triggers and events run',
      mapLabel: 'Account they run as',
      mapHelp: 'Written as user@host; it must exist on the target server.',
    },
    restoreSwitches: [
      {
        id: 'enable-events',
        label: 'Let events run',
        help: 'Scheduled events are restored disabled. With this, those that were enabled run again after the restore.',
      },
    ],
    tablePattern: {
      placeholder: 'audit_log',
      help: 'Names of tables, one on each line; * stands for any characters.',
    },
    download: {
      stream: 'dump',
      extension: '.sql',
      mediaType: 'application/sql',
      restoreCommand: `${client} NAME < FILE`,
    },
  };
}

export const mysql: EngineDefinition = {
  connection: mysqlConnectionSchema,
  descriptor: descriptor({
    id: 'mysql',
    label: 'MySQL',
    client: 'mysql',
    routines:
      'CREATE VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE, SHOW_ROUTINE, SET_ANY_DEFINER, SYSTEM_USER',
    note: `${NOTE} Before MySQL 8.2 write SET_USER_ID in place of SET_ANY_DEFINER, before 8.0.20 leave out SHOW_ROUTINE.`,
  }),
};

export const mariadb: EngineDefinition = {
  connection: mysqlConnectionSchema,
  descriptor: descriptor({
    id: 'mariadb',
    label: 'MariaDB',
    client: 'mariadb',
    routines: 'CREATE VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE, SET USER',
    note: NOTE,
  }),
};
