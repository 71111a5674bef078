import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../../support/eventually.ts';
import { startMariadb } from '../../support/mariadb.ts';
import { startPostgres } from '../../support/postgres.ts';
import type { TestServer } from '../../support/server-process.ts';

const run = promisify(execFile);

/** A server that encrypts, with a certificate for 127.0.0.1 that is its own CA. */
export interface Encrypting {
  server: TestServer;
  certificate: string;
}

export async function encryptingPostgres(): Promise<Encrypting> {
  const server = await startPostgres({
    hba: [
      'hostssl all tls_only 127.0.0.1/32 scram-sha-256',
      'hostnossl all tls_only 127.0.0.1/32 reject',
      'host all stranger 127.0.0.1/32 reject',
    ],
  });
  const { key, cert } = await certify(server.directory);
  const likeItsData = ['--reference', join(server.directory, 'data/postgresql.conf'), key, cert];
  await run('chown', likeItsData);
  await chmod(key, 0o600);
  for (const [name, value] of Object.entries({ ssl: 'on', ssl_cert_file: cert, ssl_key_file: key }))
    await server.query(`ALTER SYSTEM SET ${name} = '${value}'`);
  await server.query('SELECT pg_reload_conf()');
  await eventually('the server encrypts', async () => (await server.query('SHOW ssl'))[0]?.ssl === 'on');
  await server.query(`CREATE ROLE tls_only LOGIN PASSWORD 'tls'`);
  return { server, certificate: await readFile(cert, 'utf8') };
}

export async function encryptingMariadb(): Promise<Encrypting> {
  const directory = await mkdtemp(join(tmpdir(), 'homeport-tls-'));
  try {
    const { key, cert } = await certify(directory);
    await chmod(directory, 0o755); // the server is another user, and the key of a test no secret
    await chmod(key, 0o644);
    const server = await startMariadb({ settings: { ssl_cert: cert, ssl_key: key } });
    await server.query(`CREATE USER tls_only@'%' IDENTIFIED BY 'tls' REQUIRE SSL`);
    return { server, certificate: await readFile(cert, 'utf8') };
  } finally {
    await rm(directory, { recursive: true, force: true }); // read once, at the start
  }
}

async function certify(directory: string): Promise<{ key: string; cert: string }> {
  const [key, cert] = [join(directory, 'tls.key'), join(directory, 'tls.crt')];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert],
    ...['-subj', '/CN=db.example', '-addext', 'subjectAltName=IP:127.0.0.1'],
  ]);
  return { key, cert };
}
