import { execFile } from 'node:child_process';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capture, failureOf, operation } from '../../../contract/captured.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { driver, login } from './world.ts';

describe('TLS', () => {
  let postgres: TestPostgres;
  let secure: TestPostgres;
  let certificate: string;
  beforeAll(async () => {
    postgres = await startPostgres();
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
  afterAll(() => Promise.all([postgres?.stop(), secure?.stop()]));

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
    expect(refused).toMatchObject({ code: 'tls_required', hint: expect.stringContaining('Choose TLS') });
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
