import type { DatabaseFacts, OperationContext, ServerFacts } from '../driver.ts';
import { connect, type MysqlServer } from './connect.ts';
import type { Flavour } from './flavour.ts';
import { heldGlobally, readGrants } from './grants.ts';

/** Databases of the server's own; nobody backs them up as such. */
export const SYSTEM_DATABASES = ['information_schema', 'performance_schema', 'mysql', 'sys'] as const;

/** Logs in once and says what was met. */
export async function probe(
  server: MysqlServer,
  flavour: Flavour,
  context: OperationContext,
): Promise<ServerFacts> {
  const started = performance.now();
  await using session = await connect(server, flavour, { signal: context.signal });
  const latencyMs = Math.round(performance.now() - started);
  const { version, account: user, tls } = session;
  return { version, user, privileges: inOneLine(heldGlobally(await readGrants(session))), tls, latencyMs };
}

/** What people look for; an account that has everything gets one word. */
function inOneLine(held: ReadonlySet<string>): string {
  if (held.has('ALL PRIVILEGES')) return 'all privileges';
  const words = [...held].filter((word) => word !== 'USAGE').sort();
  if (held.has('SUPER')) return `SUPER and ${words.length - 1} more`;
  if (words.length === 0) return 'nothing on the whole server';
  return words.length <= 8
    ? words.join(', ')
    : `${words.slice(0, 8).join(', ')} and ${words.length - 8} more`;
}

/** All databases the account can see but the server's own, by name. Size is that of tables the account may read. */
export async function listDatabases(
  server: MysqlServer,
  flavour: Flavour,
  context: OperationContext,
): Promise<DatabaseFacts[]> {
  await using session = await connect(server, flavour, { signal: context.signal });
  // Grouped by the bytes of the name: “a” and “A” are two databases where the server tells case apart.
  const rows = await session.rows<{ name: string; bytes: string | null }>(
    `SELECT s.SCHEMA_NAME AS name, t.bytes FROM information_schema.SCHEMATA s LEFT JOIN (
       SELECT CAST(TABLE_SCHEMA AS BINARY) AS db, SUM(COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0)) AS bytes
       FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN (?) GROUP BY CAST(TABLE_SCHEMA AS BINARY)
     ) t ON t.db = CAST(s.SCHEMA_NAME AS BINARY)
     WHERE s.SCHEMA_NAME NOT IN (?) ORDER BY s.SCHEMA_NAME`,
    [SYSTEM_DATABASES, SYSTEM_DATABASES],
  );
  return rows.map(({ name, bytes }) => ({
    name,
    sizeBytes: bytes === null ? 0 : Number(bytes),
    owner: null,
    connectable: true,
  }));
}
