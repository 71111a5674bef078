import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capture, failureOf, operation } from '../../../contract/captured.ts';
import type { TestMysql } from '../../../support/mysql-family.ts';
import { driver, flavour, login, root, start } from './world.ts';

const run = promisify(execFile);

describe('TLS', () => {
  let plain: TestMysql;
  let secure: TestMysql;
  let directory: string;
  let certificate: string;
  beforeAll(async () => {
    plain = await start(flavour === 'mysql' ? { tls_version: '' } : { ssl: '0' });
    directory = await mkdtemp(join(root, '/tmp', 'homeport-tls-'));
    await certify(directory);
    certificate = await readFile(join(directory, 'server.crt'), 'utf8');
    const seen = directory.slice(root.length);
    secure = await start({ ssl_cert: join(seen, 'server.crt'), ssl_key: join(seen, 'server.key') });
    await secure.query(`CREATE DATABASE app; CREATE TABLE app.t (a int)`);
    await secure.query(`CREATE USER 'tls_only'@'%' IDENTIFIED BY 'tls' REQUIRE SSL`);
  }, 90_000);
  afterAll(async () => {
    await Promise.all([plain?.stop(), secure?.stop()]);
    await rm(directory, { recursive: true, force: true });
  });

  test.each([
    ['off', false],
    ['prefer', true],
    ['require', true],
  ])('%s', async (tls, encrypted) => {
    const server = login(secure, { tls });
    expect((await driver.probe(server, operation())).tls).toBe(encrypted);
    expect((await capture(driver, server, 'app')).result.catalog.tables).toHaveLength(1);
  });

  test('verify-full trusts the CA that was given, for the name it was made for, in library and tools alike', async () => {
    const server = login(secure, { tls: 'verify-full', ca: certificate });
    expect((await driver.probe(server, operation())).tls).toBe(true);
    expect((await capture(driver, server, 'app')).result.catalog.tables).toHaveLength(1);
    const stranger = login(secure, { tls: 'verify-full' });
    expect((await failureOf(driver.probe(stranger, operation()))).code).toBe('tls_untrusted');
    const byName = login(secure, { tls: 'verify-full', ca: certificate, host: 'localhost' });
    expect((await failureOf(driver.probe(byName, operation()))).code).toBe('tls_untrusted');
  });

  test('prefer falls back where the server has none; require does not', async () => {
    expect((await driver.probe(login(plain, { tls: 'prefer' }), operation())).tls).toBe(false);
    const refused = await failureOf(driver.probe(login(plain, { tls: 'require' }), operation()));
    expect(refused).toMatchObject({ code: 'tls_required', hint: expect.stringContaining('has no TLS') });
  });

  test('an account that must encrypt', async () => {
    const as = (tls: string) => login(secure, { user: 'tls_only', tls }, 'tls');
    expect((await failureOf(driver.probe(as('off'), operation()))).code).toBe('access_denied');
    expect((await driver.probe(as('prefer'), operation())).tls).toBe(true);
    await secure.query('SET GLOBAL require_secure_transport = ON');
    const refused = await failureOf(driver.probe(login(secure, { tls: 'off' }), operation()));
    // MariaDB before 11 only says that it denies access, whatever the password.
    expect(['tls_required', ...(flavour === 'mariadb' ? ['access_denied'] : [])]).toContain(refused.code);
    expect(refused.hint).toContain('TLS');
  });
});

/** A certificate for 127.0.0.1 that is its own CA. */
async function certify(directory: string): Promise<void> {
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'],
    ...['-keyout', join(directory, 'server.key'), '-out', join(directory, 'server.crt')],
    ...['-subj', '/CN=db.example', '-addext', 'subjectAltName=IP:127.0.0.1'],
  ]);
  await chmod(directory, 0o755); // the server is another user, and the key of a test no secret
  await chmod(join(directory, 'server.key'), 0o644);
}
