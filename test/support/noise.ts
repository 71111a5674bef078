import type { TestPostgres } from './postgres.ts';

/** Makes database `name` with one table of text that hardly shrinks: sealed packs fill up as fast as they can. */
export async function createNoise(server: TestPostgres, name: string, megabytes: number): Promise<void> {
  await server.query(`CREATE DATABASE "${name}"`);
  await server.query(
    `CREATE TABLE noise (id integer PRIMARY KEY, body text NOT NULL);
     INSERT INTO noise SELECT i, (SELECT string_agg(encode(sha512((random()::text || i || j)::bytea), 'base64'), '')
       FROM generate_series(1, 11) j) FROM generate_series(1, ${megabytes * 1000}) i`,
    name,
  );
}
