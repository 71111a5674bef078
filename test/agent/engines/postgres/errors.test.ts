import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineDriver, ServerTarget, StreamSink } from '../../../../agent/engines/driver.ts';
import { postgresDriver } from '../../../../agent/engines/postgres/driver.ts';
import type { Failure } from '../../../../protocol/failure.ts';
import { capture, failureOf, operation, restoreInput } from '../../../contract/engine.ts';
import { postgresBinaries, startPostgres, type TestPostgres } from '../../../support/postgres.ts';

const driver = postgresDriver() as EngineDriver;
const drain: StreamSink = async (_, body) => {
  for await (const _chunk of body);
};
let postgres: TestPostgres;
let scratch: string;

beforeAll(async () => {
  postgres = await startPostgres();
  scratch = await mkdtemp(join(tmpdir(), 'homeport-tools-'));
  await postgres.query('CREATE DATABASE app');
  await postgres.query(
    'CREATE TABLE kept (a int); CREATE TABLE other (a int); INSERT INTO kept VALUES (1)',
    'app',
  );
});
afterAll(async () => {
  await postgres?.stop();
  await rm(scratch, { recursive: true, force: true });
});

function login(
  server: TestPostgres = postgres,
  connection: object = {},
  password = server.password,
): ServerTarget {
  return {
    connection: { host: server.host, port: server.port, user: 'postgres', tls: 'prefer', ...connection },
    password,
  };
}

/** A driver that finds one program only, of the test's own. */
async function toolDirectory(name: string, script: string, program = 'pg_dump'): Promise<EngineDriver> {
  const directory = await mkdtemp(join(scratch, name));
  await writeFile(join(directory, program), `#!/bin/sh\n${script}\n`);
  await chmod(join(directory, program), 0o755);
  return postgresDriver({ toolDirectories: [directory] }) as EngineDriver;
}
const real = () => join(postgresBinaries().directory, 'pg_dump');
const versioned = (script: string) => `[ "$1" = --version ] && exec ${real()} --version\n${script}`;

describe('client tools', () => {
  test('too old: both versions are named, before any work', async () => {
    const old = await toolDirectory('old', 'echo "pg_dump (PostgreSQL) 12.22"');
    const failure = await failureOf(old.dump(login(), 'app', drain, operation()));
    expect(failure).toMatchObject({
      code: 'tool_too_old',
      message: expect.stringMatching(/12\.22.*15/),
      hint: expect.stringContaining('postgresql-client-15'),
    });
    const preflight = await old.preflightBackup(login(), 'app', operation());
    expect(preflight.findings).toContainEqual(
      expect.objectContaining({ severity: 'blocker', code: 'tool_too_old' }),
    );
  });

  test('missing: the package is named', async () => {
    const none = postgresDriver({ toolDirectories: [scratch] }) as EngineDriver;
    expect(await failureOf(none.dump(login(), 'app', drain, operation()))).toMatchObject({
      code: 'tool_missing',
      hint: expect.stringContaining('apt-get install'),
    });
  });

  test.each([
    [
      'leaves a table out',
      `exec ${real()} "$@" --exclude-table=other`,
      /TABLE: 1 dumped, 2 in the catalogue/,
    ],
    ['ends early with status 0', `${real()} "$@" | head -c -1`, /not whole/],
    ['says something unknown', `${real()} "$@"; echo "pg_dump: warning: odd" >&2`, /odd/],
    ['fails', 'exit 3', /exit status 3/],
    ['is killed', 'kill -9 $$', /SIGKILL/],
  ])('a pg_dump that %s is no backup', async (_, script, message) => {
    const tool = await toolDirectory('bad', versioned(script));
    const failure = await failureOf(tool.dump(login(), 'app', drain, operation()));
    expect(failure).toMatchObject({ code: 'dump_incomplete', message: expect.stringMatching(message) });
  });

  test('see the password in no argument and no variable', async () => {
    const seen = join(scratch, 'seen');
    const tool = await toolDirectory(
      'spy',
      versioned(`{ printf '%s\\n' "$@"; env; ls -l "$PGPASSFILE"; } > ${seen}\nexec ${real()} "$@"`),
    );
    await capture(tool, login(), 'app');
    const text = await readFile(seen, 'utf8');
    expect(text).toContain("dbname='app'");
    expect(text).toMatch(/-rw-------.*pgpass/);
    expect(text).not.toContain(postgres.password);
  });
});

describe('a pg_restore newer than the server', () => {
  const setting = [
    'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"',
    'Command was: SET transaction_timeout = 0;',
  ];
  const summary = 'pg_restore: warning: errors ignored on restore: 1';
  const newer = (lines: string[]) => {
    const words = lines.map((line) => `echo '${line}' >&2`).join('\n');
    const restore = join(postgresBinaries().directory, 'pg_restore');
    const version = '[ "$1" = --version ] && { echo "pg_restore (PostgreSQL) 17.11"; exit; }';
    return toolDirectory('newer', `${version}\n${restore} "$@" || exit\n${words}\nexit 1`, 'pg_restore');
  };

  test('may fail to switch off what the server does not have', async () => {
    const dump = await capture(driver, login(), 'app');
    const tool = await newer([...setting, summary]);
    await tool.restore(login(), restoreInput(dump, { targetDatabase: 'from newer' }), operation());
    expect(await postgres.query('SELECT a FROM kept', 'from newer')).toEqual([{ a: 1 }]);
  });

  test('may fail in nothing else', async () => {
    const dump = await capture(driver, login(), 'app');
    const other = ['pg_restore: error: could not execute query: ERROR:  odd', 'Command was: SET odd = 0;'];
    const tool = await newer([...setting, ...other, summary]);
    const failure = await failureOf(
      tool.restore(login(), restoreInput(dump, { targetDatabase: 'never' }), operation()),
    );
    expect(failure).toMatchObject({ code: 'restore_sql_error', detail: expect.stringContaining('SET odd') });
    expect(await postgres.query(`SELECT 1 FROM pg_database WHERE datname LIKE 'never%'`)).toEqual([]);
  });
});

describe('servers', () => {
  test('one that takes connections and never answers times out', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const failure = await failureOf(driver.probe(login(postgres, { port }), operation()));
    expect(failure).toMatchObject({ code: 'connection_timeout', retryable: true });
    silent.close();
  });

  test('owners are mapped to roles that exist only', async () => {
    const dump = await capture(driver, login(), 'app');
    const globals = JSON.parse(String(dump.streams.get('globals')));
    globals.roles[0].name = 'nobody here';
    dump.streams.set('globals', Buffer.from(JSON.stringify(globals)));
    const plan = { targetDatabase: 'mapped', owners: 'map', mapTo: 'nobody either' } as const;
    expect(await failureOf(driver.restore(login(), restoreInput(dump, plan), operation()))).toMatchObject({
      code: 'invalid_input',
    });
  });

  test('one that is killed in the middle of a dump is gone, and the dump is none', async () => {
    await using doomed = await startPostgres();
    await doomed.query(`CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 60000)`);
    const sink: StreamSink = async (_, body) => {
      let seen = 0;
      for await (const chunk of body) {
        if (seen === 0) await doomed.kill();
        seen += chunk.length;
      }
    };
    expect(await failureOf(driver.dump(login(doomed), 'postgres', sink, operation()))).toMatchObject({
      code: 'server_gone',
      retryable: true,
    });
  });

  test('a missing privilege is named with its table', async () => {
    await postgres.query(`CREATE ROLE weak LOGIN PASSWORD 'weak'`);
    const failure = await failureOf(
      driver.dump(login(postgres, { user: 'weak' }, 'weak'), 'app', drain, operation()),
    );
    expect(failure).toMatchObject({
      code: 'privilege_missing',
      message: expect.stringMatching(/permission denied/),
    });
  });

  test('SQL errors make a restore fail, and nothing stays', async () => {
    await postgres.query('CREATE DATABASE fragile');
    await postgres.query(
      `CREATE TABLE limits (top int); INSERT INTO limits VALUES (10);
       CREATE FUNCTION below(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN $1 < (SELECT top FROM limits); END';
       CREATE TABLE checked (a int CHECK (below(a))); INSERT INTO checked VALUES (5)`,
      'fragile',
    );
    const dump = await capture(driver, login(), 'fragile');
    const failure = await failureOf(
      driver.restore(login(), restoreInput(dump, { targetDatabase: 'again' }), operation()),
    );
    expect(failure).toMatchObject({ code: 'restore_sql_error', detail: expect.stringContaining('limits') });
    expect(await postgres.query(`SELECT datname FROM pg_database WHERE datname LIKE 'again%'`)).toEqual([]);
  });
});

describe('swap and sessions', () => {
  test('clients that reconnect at once do not keep the names from being exchanged', async () => {
    await postgres.query('CREATE DATABASE stormy');
    const dump = await capture(driver, login(), 'stormy');
    let going = true;
    const storm = Array.from({ length: 4 }, async () => {
      while (going) await postgres.query('SELECT pg_sleep(2)', 'stormy').catch(() => {});
    });
    const held = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = 'stormy'`;
    await expect.poll(async () => (await postgres.query(held))[0].n).toBeGreaterThan(0);
    const plan = { mode: 'swap', targetDatabase: 'stormy', endSessions: true } as const;
    const report = await driver.restore(login(), restoreInput(dump, plan), operation());
    going = false;
    await postgres.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'stormy%'`,
    );
    await Promise.all(storm);
    expect(
      await postgres.query(`SELECT 1 FROM pg_database WHERE datname = $1`, 'postgres', [report.keptAs]),
    ).toHaveLength(1);
  });

  test('a database in use is refused, or its sessions are ended where that was allowed', async () => {
    await postgres.query('CREATE DATABASE busy');
    const dump = await capture(driver, login(), 'busy');
    const client = new pg.Client({
      host: postgres.host,
      port: postgres.port,
      user: 'postgres',
      password: postgres.password,
      database: 'busy',
    });
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    client.on('error', () => {});
    await client.connect();
    const plan = { mode: 'swap', targetDatabase: 'busy' } as const;
    const failure = await failureOf(driver.restore(login(), restoreInput(dump, plan), operation()));
    expect(failure).toMatchObject({ code: 'database_in_use', message: expect.stringContaining('1 session') });
    expect((await client.query('SELECT 1 AS still')).rows).toEqual([{ still: 1 }]);
    expect(await postgres.query(`SELECT datname FROM pg_database WHERE datname LIKE 'busy_%'`)).toEqual([]);
    await driver.restore(login(), restoreInput(dump, { ...plan, endSessions: true }), operation());
    await ended;
    expect(
      await postgres.query(`SELECT datname FROM pg_database WHERE datname LIKE 'busy_before_%'`),
    ).toHaveLength(1);
  });
});

describe('TLS', () => {
  let secure: TestPostgres;
  let certificate: string;
  beforeAll(async () => {
    secure = await startPostgres({
      hba: ['hostssl all tls_only 127.0.0.1/32 scram-sha-256', 'hostnossl all tls_only 127.0.0.1/32 reject'],
    });
    const [key, cert] = [
      join(secure.directory, 'data/server.key'),
      join(secure.directory, 'data/server.crt'),
    ];
    const subject = ['-subj', '/CN=db.example', '-addext', 'subjectAltName=IP:127.0.0.1'];
    await promisify(execFile)('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ]);
    await promisify(execFile)('chown', [
      '--reference',
      join(secure.directory, 'data/postgresql.conf'),
      key,
      cert,
    ]);
    await chmod(key, 0o600);
    certificate = await readFile(cert, 'utf8');
    await secure.query(`ALTER SYSTEM SET ssl = on`);
    await secure.query(`SELECT pg_reload_conf()`);
    await secure.query(`CREATE ROLE tls_only LOGIN PASSWORD 'tls'; CREATE TABLE t (a int)`);
  });
  afterAll(() => secure?.stop());

  test.each([
    ['off', {}, false],
    ['prefer', {}, true],
    ['require', {}, true],
  ])('%s', async (tls, more, encrypted) => {
    const facts = await driver.probe(login(secure, { tls, ...more }), operation());
    expect(facts.tls).toBe(encrypted);
  });

  test('verify-full trusts the CA that was given, in library and tools alike', async () => {
    const server = login(secure, { tls: 'verify-full', ca: certificate });
    expect((await driver.probe(server, operation())).tls).toBe(true);
    expect((await capture(driver, server, 'postgres')).result.catalog.tables).toHaveLength(1);
    expect((await failureOf(driver.probe(login(secure, { tls: 'verify-full' }), operation()))).code).toBe(
      'tls_untrusted',
    );
    const byName = login(secure, { tls: 'verify-full', ca: certificate, host: 'localhost' });
    expect((await failureOf(driver.probe(byName, operation()))).code).toBe('tls_untrusted');
  });

  test('required where there is none, and none where it is required', async () => {
    expect(await failureOf(driver.probe(login(postgres, { tls: 'require' }), operation()))).toMatchObject({
      code: 'tls_required',
    });
    const refused = await failureOf(
      driver.probe(login(secure, { user: 'tls_only', tls: 'off' }, 'tls'), operation()),
    );
    expect(refused).toMatchObject({ code: 'tls_required', hint: expect.stringContaining('choose TLS') });
    expect(
      (await driver.probe(login(secure, { user: 'tls_only', tls: 'prefer' }, 'tls'), operation())).tls,
    ).toBe(true);
  });

  test('a unix socket is a host, too', async () => {
    expect(await driver.probe(login(secure, { host: secure.directory }), operation())).toMatchObject({
      tls: false,
      privileges: 'superuser',
    });
    expect(
      (await capture(driver, login(secure, { host: secure.directory }), 'postgres')).result.catalog.tables,
    ).toHaveLength(1);
  });
});

describe('explain', () => {
  test.each<[string, Failure['code']]>([
    ['ETIMEDOUT', 'connection_timeout'],
    ['EHOSTUNREACH', 'connection_timeout'],
    ['ENOTFOUND', 'unknown_host'],
    ['EAI_AGAIN', 'unknown_host'],
    ['ECONNREFUSED', 'connection_refused'],
    ['ECONNRESET', 'server_gone'],
    ['CERT_HAS_EXPIRED', 'tls_untrusted'],
    ['28P01', 'access_denied'],
    ['3D000', 'database_missing'],
    ['42501', 'privilege_missing'],
    ['53100', 'disk_full'],
    ['57P01', 'server_gone'],
    ['08006', 'server_gone'],
    ['55006', 'database_in_use'],
  ])('%s is %s, with a remedy', (code, expected) => {
    const failure = driver.explain(Object.assign(new Error('words'), { code }), login());
    expect(failure.code).toBe(expected);
    expect(failure.hint.length).toBeGreaterThan(20);
    const many = new AggregateError([Object.assign(new Error('one'), { code }), new Error('two')]);
    expect(driver.explain(many, login()).code).toBe(expected);
  });
});
