import { FailureError, fail } from '../../../protocol/failure.ts';
import type { Finding } from '../../../protocol/restore.ts';
import { listed, pasteable } from '../words.ts';
import { type Catalogue, inDatabase } from './catalogue.ts';
import type { Session } from './connect.ts';
import { MARK } from './database.ts';
import { type Grant, grantOn } from './grants.ts';
import { quoteIdent } from './quote.ts';

/** What the stock tools cannot dump, whoever runs them: each a blocker with the statement that removes it. */
export async function undumpable(
  session: Session,
  database: string,
  catalogue: Catalogue,
): Promise<Finding[]> {
  return [
    ...unfinished(database, catalogue),
    ...brokenTables(catalogue),
    ...(await endlessEvents(session, database)),
    ...(await brokenNames(session, database, catalogue)),
  ];
}

/** Throws the first of {@link undumpable}, if there is any. */
export async function assertDumpable(session: Session, database: string, catalogue: Catalogue) {
  const [first] = await undumpable(session, database, catalogue);
  if (!first) return;
  throw fail('dump_incomplete', first.message, first.hint ?? '', first.sql ? { sql: first.sql } : {});
}

const blocker = (code: string, message: string, hint: string, sql?: string): Finding => ({
  severity: 'blocker',
  code,
  message,
  hint,
  ...(sql ? { sql } : {}),
});

/** What a restore that was broken off made: it is not all there, and a backup of it would look as if it were. */
function unfinished(database: string, { relations }: Catalogue): Finding[] {
  if (!relations.some(({ name }) => name === MARK)) return [];
  return [
    blocker(
      'database_unfinished',
      `“${database}” was left unfinished by a restore, or is being filled by one: it has the table ${MARK}.`,
      'Wait for the restore if it still runs. Otherwise drop the database and restore the snapshot again.',
      `DROP DATABASE ${quoteIdent(database)};`,
    ),
  ];
}

/** The server gives no engine for a table it cannot open, and says why in the comment. */
function brokenTables(catalogue: Catalogue): Finding[] {
  const broken = catalogue.relations.filter((one) => one.kind === 'table' && one.engine === null);
  if (broken.length === 0) return [];
  return [
    blocker(
      'table_broken',
      `The server cannot open ${listed(broken.map((one) => one.name))}: ${broken[0]?.comment}`,
      'Repair the table, load the storage engine it needs, or drop it.',
    ),
  ];
}

/** mysqldump and mariadb-dump look for a delimiter that the event lacks; with two semicolons they never find one. */
async function endlessEvents(session: Session, database: string): Promise<Finding[]> {
  const rows = await session.rows<{ name: string }>(
    `SELECT EVENT_NAME AS name FROM information_schema.EVENTS
     WHERE ${inDatabase('EVENT_SCHEMA')} AND LOCATE(';;', EVENT_DEFINITION) > 0 ORDER BY 1`,
    [database, database],
  );
  if (rows.length === 0) return [];
  return [
    blocker(
      'event_undumpable',
      `The text of the event ${listed(rows.map((row) => row.name))} holds “;;”: dump tools never end on such events.`,
      'Write it otherwise with ALTER EVENT … DO …, e.g. with a blank between the semicolons.',
    ),
  ];
}

/** Names with line breaks take a dump’s lines apart, and what follows would be read as statements (CVE-2024-21096). */
async function brokenNames(session: Session, database: string, catalogue: Catalogue): Promise<Finding[]> {
  const columns = await session.rows<{ name: string }>(
    `SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) AS name FROM information_schema.COLUMNS
     WHERE ${inDatabase('TABLE_SCHEMA')} AND COLUMN_NAME REGEXP '[\\n\\r]' ORDER BY 1`,
    [database, database],
  );
  const names = [
    ...[...catalogue.relations, ...catalogue.programs]
      .map((one) => one.name)
      .filter((name) => /[\n\r]/.test(name)),
    ...columns.map((row) => row.name),
  ];
  if (names.length === 0) return [];
  return [
    blocker(
      'name_with_line_break',
      `A name holds a line break: ${listed(names)}. A dump with it cannot be restored safely.`,
      'Rename it.',
    ),
  ];
}

/** “execute command denied”: MariaDB asks for it when the columns of a view are listed. */
const NOT_EXECUTABLE = 1370;
const numberOf = (error: unknown) => (error as { cause?: { errno?: number } } | null)?.cause?.errno;

/** Views that no longer work: their tables, columns or functions are gone. A dump fails on the first of them. */
export async function invalidViews(
  session: Session,
  database: string,
  { catalogue, grants }: { catalogue: Catalogue; grants: readonly Grant[] },
): Promise<Finding[]> {
  const invalid: { name: string; why: string }[] = [];
  const closed: string[] = [];
  for (const { name } of catalogue.views) {
    try {
      await session.rows(`SHOW FIELDS FROM ${quoteIdent(name)}`);
    } catch (error) {
      if (numberOf(error) === NOT_EXECUTABLE) {
        closed.push(name);
        continue;
      }
      if (!(error instanceof FailureError) || error.failure.code !== 'dump_incomplete') throw error;
      invalid.push({ name, why: error.failure.message });
    }
  }
  const execute = blocker(
    'view_not_executable',
    `“${session.account}” may not run the functions that views use: ${listed(closed)}. The dump would fail.`,
    'Run this as an administrator.',
    grantOn(['EXECUTE'], database, { account: session.account, grants }),
  );
  const found = closed.length > 0 ? [execute] : [];
  if (invalid.length === 0) return found;
  return [
    ...found,
    blocker(
      'view_invalid',
      `Views that no longer work would make the dump fail: ${listed(invalid.map((one) => one.name))}.`,
      'Give them what they refer to, define them anew (ALTER VIEW), or drop them.',
      pasteable(invalid.map(({ name }) => `DROP VIEW ${quoteIdent(name)};`)),
    ),
  ];
}

/** Columns with a masking policy (MySQL 9.7): a dump holds of them what the policy shows the account. */
export async function maskedColumns(session: Session, database: string): Promise<Finding[]> {
  const rows = await session.rows<{ name: string; tab: string }>(
    `SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) AS name, TABLE_NAME AS tab FROM information_schema.COLUMNS
     WHERE ${inDatabase('TABLE_SCHEMA')} AND EXTRA LIKE '%MASKING POLICY%' ORDER BY 1`,
    [database, database],
  );
  if (rows.length === 0) return [];
  const columns = listed(rows.map(({ name }) => name));
  try {
    for (const tab of new Set(rows.map((row) => row.tab)))
      await session.rows(`SELECT * FROM ${quoteIdent(tab)} LIMIT 0`);
  } catch (error) {
    if (!(error instanceof FailureError) || error.failure.code === 'cancelled') throw error;
    const message = `Columns with a masking policy cannot be read: ${columns}. ${error.failure.message}`;
    return [blocker('masked_columns', message, 'Load the component that applies masking policies.')];
  }
  return [
    {
      severity: 'warning',
      code: 'masked_columns',
      message: `Columns with a masking policy: ${columns}. The backup holds what the policy lets “${session.account}” see, which may not be what is stored.`,
      hint: 'Name the account, or a role of its, in the policy as one that sees the values. The policies belong to the server and are not in the backup.',
    },
  ];
}
