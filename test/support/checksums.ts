import { fingerprint } from './fingerprint.ts';
import { mysqlFingerprint } from './mysql-fingerprint.ts';
import type { TestServer } from './server-process.ts';

/**
 * What a database holds, in figures taken by plain SQL, apart from anything of ours: per table the row count and a
 * checksum over each row, each sequence's position; of MySQL and MariaDB also what makes each object.
 */
export function checksums(server: TestServer, database: string): Promise<Record<string, string>> {
  const query = (sql: string) => server.query(sql, database);
  return server.engine === 'postgresql' ? fingerprint(query) : mysqlFingerprint(query);
}
