import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent } from '../../support/agent.ts';
import type { ApiJob, ApiServer } from '../../support/api-shapes.ts';
import { eventually } from '../../support/eventually.ts';
import { startMariadb } from '../../support/mariadb.ts';
import { createNoise } from '../../support/noise.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { addServer, backUp, protect, startRestore, succeeded } from '../../support/protect.ts';
import type { TestServer } from '../../support/server-process.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { enter, jobFailure, sharedDesk, type Wanted } from './shown.ts';

/** Every way for a job to fail at a server that was reached, shown alike by API, command line and browser. */
const desk = sharedDesk();
const resources = new AsyncDisposableStack();
let agent: Agent;

interface Subject {
  start: () => Promise<TestServer>;
  /** Makes database `name` of some megabytes that hardly shrink. */
  noise: (server: TestServer, name: string, megabytes: number) => Promise<void>;
  /** Statements for an account that may log in and no more. */
  poor: string;
  /** A database whose rows break a rule of its own. */
  brittle: string[];
  missing: Wanted;
  unreadable: Wanted;
  broken: Wanted;
}

const SUBJECTS: Record<string, Subject> = {
  postgresql: {
    start: startPostgres,
    noise: (server, name, megabytes) => createNoise(server as TestPostgres, name, megabytes),
    poor: `CREATE ROLE poor LOGIN PASSWORD 'poor'`,
    brittle: [
      `CREATE TABLE limits (top int); INSERT INTO limits VALUES (10);
       CREATE FUNCTION below(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN $1 < (SELECT top FROM public.limits); END';
       CREATE TABLE orders (total int CHECK (below(total))); INSERT INTO orders VALUES (5);`,
      'UPDATE limits SET top = 1',
    ],
    missing: { code: 'database_missing', message: ['has no such database', '"fleeting"'] },
    unreadable: {
      code: 'privilege_missing',
      message: ['“poor” may not read “public.orders”'],
      hint: ['as the owner or a superuser', 'pg_read_all_data'],
      sql: ['GRANT SELECT ON TABLE "public"."orders" TO "poor";'],
    },
    broken: {
      code: 'restore_sql_error',
      message: ['pg_restore 15', '"orders_total_check"'],
      hint: ['gone again'],
    },
  },
  mariadb: {
    start: startMariadb,
    noise: async (server, name, megabytes) => {
      await server.query(`CREATE DATABASE ${name}`);
      await server.query(
        `CREATE TABLE noise (id int PRIMARY KEY, body text NOT NULL);
         INSERT INTO noise SELECT seq, CONCAT(${Array.from({ length: 11 }, (_, at) => `TO_BASE64(UNHEX(SHA2(seq * 11 + ${at}, 512)))`).join(', ')})
         FROM seq_1_to_${megabytes * 1000}`,
        name,
      );
    },
    poor: `CREATE USER poor@'%' IDENTIFIED BY 'poor'`,
    brittle: [
      'CREATE TABLE orders (id int PRIMARY KEY, total int, CONSTRAINT positive CHECK (total > 0))',
      'SET check_constraint_checks = 0; INSERT INTO orders VALUES (1, -5)',
    ],
    missing: { code: 'database_missing', message: ['has no such database', `'fleeting'`] },
    unreadable: {
      code: 'privilege_missing',
      message: ['“poor@%” may not use “shop”'],
      hint: ['as an administrator'],
      sql: [/GRANT SELECT, SHOW VIEW, TRIGGER, LOCK TABLES, EVENT ON `?shop`?\.\* TO '?`?poor/],
    },
    broken: {
      code: 'restore_sql_error',
      message: ['The server refused line', 'CONSTRAINT `positive` failed'],
      hint: ['gone again'],
    },
  },
};

beforeAll(async () => {
  agent = await desk().homeport.agent('host');
});
afterAll(() => resources.disposeAsync());

const startBackup = (databaseId: string) => desk().api.post<ApiJob>(`/databases/${databaseId}/backup`);

describe.each(Object.keys(SUBJECTS))('%s', (engine) => {
  const subject = SUBJECTS[engine] as Subject;
  let server: TestServer;
  let entry: ApiServer;
  beforeAll(async () => {
    server = resources.use(await subject.start());
    entry = await enter(desk(), agent, { name: engine, server });
    await server.query('CREATE DATABASE shop');
    await server.query('CREATE TABLE orders (id int)', 'shop');
  });

  test('a database that was dropped after it was protected', async () => {
    await server.query('CREATE DATABASE fleeting');
    const database = await protect(desk().api, entry.id, 'fleeting');
    await server.query('DROP DATABASE fleeting');
    await jobFailure(desk(), (await startBackup(database.id)).id, {
      ...subject.missing,
      hint: ['server’s page lists', 'stop protecting it; its snapshots stay'],
    });
  });

  test('an account that may not read: what is to be pasted helps', async () => {
    await server.query(subject.poor);
    const poor = { name: `${engine}-poor`, server, connection: { user: 'poor' }, password: 'poor' };
    const database = await protect(desk().api, (await enter(desk(), agent, poor)).id, 'shop');
    const { sql } = await jobFailure(desk(), (await startBackup(database.id)).id, subject.unreadable);
    await server.query(sql ?? '', 'shop');
    await succeeded(desk().api, await startBackup(database.id));
  });

  test('rows that the server takes no more', async () => {
    await server.query('CREATE DATABASE brittle');
    for (const sql of subject.brittle) await server.query(sql, 'brittle');
    const { snapshot } = await backUp(desk().api, (await protect(desk().api, entry.id, 'brittle')).id);
    const plan = { targetDatabase: 'brittle_again' };
    const job = await startRestore(desk().api, snapshot.id, { serverId: entry.id, plan });
    const failure = await jobFailure(desk(), job.id, subject.broken);
    expect(failure.detail).toContain('orders');
  });

  test('a server that is killed in the middle of a backup and of a restore', async () => {
    const { api } = desk();
    const doomed = await subject.start();
    await using _ = doomed;
    await subject.noise(doomed, 'noise', 15);
    await using dumping = await startTcpProxy(doomed);
    await using restoring = await startTcpProxy(doomed);
    const through = (name: string, { port }: { port: number }) =>
      addServer(api, agent, { name: `${engine}-${name}`, server: doomed, connection: { port } });
    const [from, to] = [await through('from', dumping), await through('to', restoring)];
    const database = await protect(api, from.id, 'noise');
    const { snapshot } = await backUp(api, database.id);
    dumping.holdAfter(6e6);
    restoring.holdAfter(6e6, 'client');
    const plan = { targetDatabase: 'noise_again' };
    const jobs = [
      await startRestore(api, snapshot.id, { serverId: to.id, plan }),
      await startBackup(database.id),
    ];
    await eventually('both are half-way', () => dumping.holding() && restoring.holding(), 60_000);
    await doomed.kill();
    for (const proxy of [dumping, restoring]) proxy.mend();
    const gone: Wanted = { code: 'server_gone', message: ['127.0.0.1'], hint: ['log at this time'] };
    const [restore, backup] = jobs as [ApiJob, ApiJob];
    await jobFailure(desk(), restore.id, { ...gone, hint: [/drop the database “noise_again\w*” by hand/] });
    await jobFailure(desk(), backup.id, gone);
  });
});
