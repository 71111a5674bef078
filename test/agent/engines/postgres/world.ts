import { execFile } from 'node:child_process';
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EngineDriver, ServerTarget, StreamSink } from '../../../../agent/engines/driver.ts';
import { postgresDriver } from '../../../../agent/engines/postgres/driver.ts';
import { conninfo } from '../../../../agent/engines/postgres/quote.ts';
import { postgresBinaries, type TestPostgres } from '../../../support/postgres.ts';

export const driver = postgresDriver() as EngineDriver;

/** Reads a dump and keeps nothing. */
export const drain: StreamSink = async (_, body) => {
  for await (const _chunk of body);
};

/** A login at a test's server: its superuser's where nothing else is said. */
export function login(
  postgres: Pick<TestPostgres, 'host' | 'port' | 'password'>,
  connection: object = {},
  password = postgres.password,
): ServerTarget {
  const { host, port } = postgres;
  return { connection: { host, port, user: 'postgres', tls: 'prefer', ...connection }, password };
}

/** A driver that finds one program only: `script`, under the name of `program`, in a directory inside `parent`. */
export async function driverWithTool(
  parent: string,
  script: string,
  program = 'pg_dump',
): Promise<EngineDriver> {
  const directory = await mkdtemp(join(parent, 'tool-'));
  await writeFile(join(directory, program), `#!/bin/sh\n${script}\n`);
  await chmod(join(directory, program), 0o755);
  return postgresDriver({ toolDirectories: [directory] }) as EngineDriver;
}

/** Path of the newest real program of that name. */
export const realTool = (program: string) => join(postgresBinaries().directory, program);

/** Names of all databases. */
export async function databases(postgres: TestPostgres): Promise<string[]> {
  return (await postgres.query('SELECT datname FROM pg_database ORDER BY 1')).map((row) => row.datname);
}

/** A database's schema as SQL of stock pg_dump; `more` are further options. */
export async function schemaOf(
  postgres: TestPostgres,
  database: string,
  ...more: string[]
): Promise<string[]> {
  const args = ['-s', ...more, '-d', conninfo({ dbname: database })];
  const { stdout } = await promisify(execFile)(realTool('pg_dump'), args, {
    env: postgres.psqlEnv,
    maxBuffer: 1 << 26,
  });
  return stdout.split('\n').filter((line) => !/^\\(un)?restrict|^--/.test(line));
}
