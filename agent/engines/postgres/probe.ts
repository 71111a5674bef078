import type { DatabaseFacts, OperationContext, ServerFacts } from '../driver.ts';
import { connect, maintenanceDatabase, type PostgresServer } from './connect.ts';

/** Logs in once and says what was met. */
export async function probe(server: PostgresServer, context: OperationContext): Promise<ServerFacts> {
  const started = performance.now();
  await using session = await connect(server, maintenanceDatabase(server), context.signal);
  const latencyMs = Math.round(performance.now() - started);
  const [rights] = await session.rows<{ words: string[] }>(
    `SELECT array_remove(ARRAY[
       CASE WHEN rolsuper THEN 'superuser' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
       CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
       (SELECT string_agg('member of ' || m.rolname, ', ' ORDER BY m.rolname) FROM pg_roles m
         WHERE m.rolname IN ('pg_read_all_data', 'rds_superuser', 'azure_pg_admin', 'cloudsqlsuperuser')
           AND NOT r.rolsuper AND pg_has_role(m.oid, 'USAGE'))], NULL) AS words
     FROM pg_roles r WHERE rolname = current_user`,
  );
  const words = rights?.words ?? [];
  return {
    version: session.version,
    user: session.user,
    privileges: session.superuser ? 'superuser' : words.join(', ') || 'no special privileges',
    tls: session.tls,
    latencyMs,
  };
}

/** All databases but templates, by name. Size is `null` where the account may not know it. */
export async function listDatabases(
  server: PostgresServer,
  context: OperationContext,
): Promise<DatabaseFacts[]> {
  await using session = await connect(server, maintenanceDatabase(server), context.signal);
  const rows = await session.rows<Omit<DatabaseFacts, 'sizeBytes'> & { sizeBytes: string | null }>(
    `SELECT datname AS name, pg_get_userbyid(datdba) AS owner,
       datallowconn AND has_database_privilege(oid, 'CONNECT') AS connectable,
       CASE WHEN has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'USAGE')
         THEN pg_database_size(oid) END AS "sizeBytes"
     FROM pg_database WHERE NOT datistemplate ORDER BY datname`,
  );
  return rows.map((row) => ({ ...row, sizeBytes: row.sizeBytes === null ? null : Number(row.sizeBytes) }));
}
