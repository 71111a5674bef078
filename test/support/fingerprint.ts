/** Runs SQL on one database and gives its rows. */
export type Query = (sql: string) => Promise<Record<string, unknown>[]>;

const OURS = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;
const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;

/**
 * What a PostgreSQL database holds, taken by SQL alone: a checksum and a count per table, the state of each
 * sequence, a checksum per large object. Two databases with the same answer hold the same data.
 */
export async function fingerprint(run: Query): Promise<Record<string, string>> {
  // A database's own settings must not change how its values are written here.
  const query: Query = (sql) => run(`SET datestyle = 'ISO'; SET extra_float_digits = 3; ${sql}`);
  const found: Record<string, string> = {};
  const relations = await query(
    `SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE ${OURS} AND c.relkind IN ('r', 'S', 'm') AND (c.relkind <> 'm' OR c.relispopulated) ORDER BY 1, 2`,
  );
  for (const { schema, name, kind } of relations) {
    const relation = `${quote(String(schema))}.${quote(String(name))}`;
    const sql =
      kind === 'S'
        ? `SELECT last_value || ' ' || is_called AS sum FROM ${relation}`
        : `SELECT count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') AS sum FROM ONLY ${relation} t`;
    found[relation] = String((await query(sql))[0]?.sum);
  }
  const objects = await query('SELECT oid, md5(lo_get(oid)) AS sum FROM pg_largeobject_metadata ORDER BY 1');
  for (const { oid, sum } of objects) found[`large object ${oid}`] = String(sum);
  return found;
}
