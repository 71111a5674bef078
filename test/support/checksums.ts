import type { TestPostgres } from './postgres.ts';

/**
 * What a database holds, in figures taken by plain SQL, apart from anything of ours: per table the row count
 * and an order-independent checksum over each row's text, and each sequence's position.
 */
export async function checksums(server: TestPostgres, database: string): Promise<Record<string, string>> {
  const relations = (await server.query(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relkind AS kind
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'm', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND n.nspname NOT LIKE 'pg\\_%'
      ORDER BY 1`,
    database,
  )) as { name: string; kind: string }[];
  const result: Record<string, string> = {};
  for (const { name, kind } of relations) {
    const sql =
      kind === 'S'
        ? `SELECT last_value || '/' || is_called AS sum FROM ${name}`
        : `SELECT count(*) || ':' || coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint::numeric), 0) AS sum FROM ${name} t`;
    const [row] = (await server.query(sql, database)) as { sum: string }[];
    result[name] = row?.sum ?? '';
  }
  return result;
}
