/** Runs SQL on one database and gives its rows. */
export type Query = (sql: string) => Promise<Record<string, unknown>[]>;

const name = (text: unknown) => `\`${String(text).replaceAll('`', '``')}\``;
/** Columns of the data dictionary come in either case, as the product has it. */
const field = (row: Record<string, unknown>, key: string) => row[key] ?? row[key.toUpperCase()];

/**
 * What a MySQL or MariaDB database holds, taken by SQL alone: count and checksum of each table's rows, the statement
 * that makes each object, the facts of each event but whether it runs. Two databases with the same answer hold the
 * same. Rows that a system-versioned table had before are not in it.
 */
export async function mysqlFingerprint(query: Query): Promise<Record<string, string>> {
  const found: Record<string, string> = { database: await databaseFacts(query) };
  const tables = await query(
    `SELECT TABLE_NAME AS name, TABLE_TYPE AS type FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1`,
  );
  for (const row of tables) {
    const type = String(field(row, 'type'));
    const table = name(field(row, 'name'));
    if (type.endsWith('VIEW')) found[`view ${table}`] = await shown(query, `VIEW ${table}`);
    else if (type === 'SEQUENCE') {
      const state = await query(`SELECT next_not_cached_value, cycle_count FROM ${table}`);
      found[`sequence ${table}`] = `${await shown(query, `SEQUENCE ${table}`)} ${JSON.stringify(state)}`;
    } else {
      found[`table ${table}`] = await shown(query, `TABLE ${table}`);
      found[`rows ${table}`] = await rows(query, field(row, 'name'));
    }
  }
  return { ...found, ...(await programs(query)) };
}

async function databaseFacts(query: Query): Promise<string> {
  const [row] = await query(
    `SELECT DEFAULT_CHARACTER_SET_NAME AS charset, DEFAULT_COLLATION_NAME AS collation FROM information_schema.SCHEMATA
      WHERE SCHEMA_NAME = DATABASE()`,
  );
  return JSON.stringify(row);
}

/** A table's count and an order-independent checksum; each value goes in as its bytes, floats in full precision. */
async function rows(query: Query, table: unknown): Promise<string> {
  const columns = await query(
    `SELECT COLUMN_NAME AS name, DATA_TYPE AS type FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${String(table).replaceAll('\\', '\\\\').replaceAll("'", "''")}' ORDER BY ORDINAL_POSITION`,
  );
  const values = columns.map((row) => {
    const column = name(field(row, 'name'));
    const plain = field(row, 'type') === 'float' ? `CAST(${column} AS DOUBLE)` : column;
    const bytes = field(row, 'type') === 'bit' ? `HEX(${plain})` : `CAST(${plain} AS BINARY)`;
    return `COALESCE(SHA2(${bytes}, 256), '-')`;
  });
  const [row] = await query(
    `SET SESSION group_concat_max_len = 1073741824; SET time_zone = '+00:00';
     SELECT CONCAT(COUNT(*), ' ', COALESCE(SHA2(GROUP_CONCAT(h ORDER BY h SEPARATOR ''), 256), '')) AS sum
       FROM (SELECT SHA2(CONCAT_WS(',', ${values.join(', ')}), 256) AS h FROM ${name(table)}) t`,
  );
  return String(row?.sum);
}

/**
 * What `SHOW CREATE` says of an object, with all its session settings. Where it names its own database (MariaDB does
 * for a default that counts by a sequence) that is one word for all, so that databases of different names compare.
 */
async function shown(query: Query, what: string): Promise<string> {
  const [place] = await query('SELECT DATABASE() AS name');
  const [row] = await query(`SHOW CREATE ${what}`);
  const { Created: _, ...facts } = row ?? {};
  const text = JSON.stringify(facts).replaceAll(`${name(place?.name)}.`, '(here).');
  // MySQL remembers whether a column's character set was named beside its collation, which says nothing more.
  return text.replace(/ CHARACTER SET \w+(?= COLLATE )/g, '');
}

async function programs(query: Query): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const triggers = await query(
    `SELECT TRIGGER_NAME AS name, ACTION_ORDER AS place FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1`,
  );
  for (const row of triggers) {
    const trigger = name(field(row, 'name'));
    found[`trigger ${trigger}`] = `${field(row, 'place')} ${await shown(query, `TRIGGER ${trigger}`)}`;
  }
  const routines = await query(
    `SELECT ROUTINE_NAME AS name, ROUTINE_TYPE AS type FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() ORDER BY 2, 1`,
  );
  for (const row of routines) {
    const routine = `${field(row, 'type')} ${name(field(row, 'name'))}`;
    found[routine.toLowerCase()] = await shown(query, routine);
  }
  const events = await query(
    `SELECT EVENT_NAME AS name, DEFINER, TIME_ZONE, EVENT_DEFINITION, EVENT_TYPE, EXECUTE_AT, INTERVAL_VALUE, INTERVAL_FIELD, SQL_MODE,
            STARTS, ENDS, ON_COMPLETION, EVENT_COMMENT, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DATABASE_COLLATION
       FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() ORDER BY 1`,
  );
  for (const row of events) found[`event ${name(field(row, 'name'))}`] = JSON.stringify(row);
  return found;
}

/** Which events of a database run, by name. */
export async function enabledEvents(query: Query): Promise<string[]> {
  const found = await query(
    `SELECT EVENT_NAME AS name FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() AND STATUS = 'ENABLED' ORDER BY 1`,
  );
  return found.map((row) => String(field(row, 'name')));
}
