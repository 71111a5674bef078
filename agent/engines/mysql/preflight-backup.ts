import { FailureError } from '../../../protocol/failure.ts';
import type { BackupPreflight, Finding } from '../../../protocol/restore.ts';
import type { TableSelection } from '../../../protocol/selection.ts';
import type { OperationContext } from '../driver.ts';
import { listed } from '../words.ts';
import { accountGaps } from './account-gaps.ts';
import { type Catalogue, inDatabase, readCatalogue } from './catalogue.ts';
import { connect, type MysqlServer, type Session } from './connect.ts';
import { keepsHistory } from './dump.ts';
import type { Flavour } from './flavour.ts';
import { holds, readGrants } from './grants.ts';
import { grantDatabase, quoteAccount } from './quote.ts';
import { nonTransactional } from './requires.ts';
import { applySelection, selectionFindings } from './selection.ts';
import { elsewhere } from './storage-engines.ts';
import { chooseTool, type MysqlTool, saferVersion, toolLabel } from './tools.ts';
import { invalidViews, maskedColumns, undumpable } from './undumpable.ts';

interface Question {
  server: MysqlServer;
  flavour: Flavour;
  database: string;
  selection: TableSelection;
  tools: readonly MysqlTool[];
  context: OperationContext;
}

/**
 * What a backup needs and would miss. A database the account may not use is a finding; an unreachable server, a
 * wrong password or a database that does not exist is thrown.
 */
export async function preflightBackup(input: Question): Promise<BackupPreflight> {
  const { server, flavour, database, context } = input;
  let session: Session;
  try {
    session = await connect(server, flavour, { signal: context.signal, database });
  } catch (error) {
    if (!(error instanceof FailureError) || error.failure.code !== 'privilege_missing') throw error;
    return await withoutAccess(input);
  }
  await using _ = session;
  const catalogue = await readCatalogue(session, database);
  const grants = await readGrants(session);
  const selected = applySelection(catalogue, input.selection);
  const out = new Set(selected.excluded);
  const { tool, findings } = toolFor(input, session);
  return {
    findings: [
      ...findings,
      ...accountGaps(session, database, { catalogue, grants }),
      ...(await undumpable(session, database, catalogue)),
      ...(holds(grants, 'SHOW VIEW', database)
        ? await invalidViews(session, database, { catalogue, grants })
        : []),
      ...(await selectionFindings(session, database, selected)),
      ...losses(catalogue, { session, tool }),
      ...(await roundedFloats(session, database)),
      ...(await maskedColumns(session, database)),
    ],
    serverVersion: session.version,
    tool: tool ? toolLabel(tool) : '',
    estimatedBytes: catalogue.relations
      .filter((one) => !out.has(one.name))
      .reduce((sum, one) => sum + one.bytes, 0),
  };
}

async function withoutAccess(input: Question): Promise<BackupPreflight> {
  const { server, flavour, database, context } = input;
  await using session = await connect(server, flavour, { signal: context.signal });
  const { tool, findings } = toolFor(input, session);
  const needed = 'SELECT, SHOW VIEW, TRIGGER, LOCK TABLES, EVENT';
  const finding: Finding = {
    severity: 'blocker',
    code: 'connect_missing',
    message: `“${session.account}” may not use “${database}”, if there is such a database.`,
    hint: 'Run this as an administrator, then run the preflight again: there may be more to grant.',
    sql: `GRANT ${needed} ON ${grantDatabase(database)}.* TO ${quoteAccount(session.account)};`,
  };
  return {
    findings: [...findings, finding],
    serverVersion: session.version,
    tool: tool ? toolLabel(tool) : '',
    estimatedBytes: 0,
  };
}

/** The dump tool; missing or too old is a blocker here, so that all findings are seen together. */
function toolFor(input: Question, session: Session): { tool: MysqlTool | undefined; findings: Finding[] } {
  const wish = { kind: 'dump', flavour: input.flavour, version: session.versionNumber } as const;
  try {
    const tool = chooseTool(input.tools, wish);
    return { tool, findings: toolWarnings(tool) };
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    const { code, message, hint } = error.failure;
    return { tool: undefined, findings: [{ severity: 'blocker', code, message, hint }] };
  }
}

/** A warning where the tool has a known hole that a hostile server can use. */
export function toolWarnings(tool: MysqlTool): Finding[] {
  const safer = saferVersion(tool);
  if (!safer) return [];
  return [
    {
      severity: 'warning',
      code: 'tool_vulnerable',
      message: `${toolLabel(tool)} has a known vulnerability (CVE-2024-21096): names can put statements into a dump.`,
      hint: `Update to ${safer} or later on the agent’s host. Homeport refuses names with line breaks, which it takes; others may not.`,
    },
  ];
}

/** What no backup of this database holds, or not as of one moment, whoever takes it. */
function losses(
  catalogue: Catalogue,
  { session, tool }: { session: Session; tool: MysqlTool | undefined },
): Finding[] {
  const findings: Finding[] = [];
  const warn = (code: string, message: string, hint: string) =>
    findings.push({ severity: 'warning', code, message, hint });
  const away = catalogue.relations.filter((one) => elsewhere(one.engine)).map((one) => one.name);
  if (away.length > 0) {
    warn(
      'rows_elsewhere',
      `The rows of ${listed(away)} live in other tables or on other servers: only the definitions are backed up.`,
      'Back up where the rows are.',
    );
  }
  const loose = nonTransactional(catalogue).filter((name) => !away.includes(name));
  if (loose.length > 0) {
    warn(
      'non_transactional',
      `${listed(loose)}: the storage engine has no transactions. What is written during the backup may be in it by half.`,
      'Change them to InnoDB (ALTER TABLE … ENGINE = InnoDB), or back up when nobody writes to them.',
    );
  }
  const versioned = catalogue.relations.filter((one) => one.versioned).map((one) => one.name);
  if (versioned.length > 0 && tool && !keepsHistory(catalogue, { session, tool })) {
    warn(
      'history_left_out',
      `The former rows of system-versioned tables are not backed up: ${listed(versioned)}.`,
      'Server and mariadb-dump of MariaDB 10.11 or later can; only the present rows are in the backup.',
    );
  }
  return findings;
}

/** The server writes FLOAT with six digits into any text, a dump too; a DOUBLE comes with all of its own. */
async function roundedFloats(session: Session, database: string): Promise<Finding[]> {
  const rows = await session.rows<{ name: string }>(
    `SELECT CONCAT(c.TABLE_NAME, '.', c.COLUMN_NAME) AS name
     FROM information_schema.COLUMNS c JOIN information_schema.TABLES t
       ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
     WHERE ${inDatabase('c.TABLE_SCHEMA')} AND c.DATA_TYPE = 'float' AND c.NUMERIC_SCALE IS NULL
       AND t.TABLE_TYPE NOT IN ('VIEW', 'SEQUENCE') ORDER BY 1`,
    [database, database],
  );
  if (rows.length === 0) return [];
  return [
    {
      severity: 'warning',
      code: 'float_rounded',
      message: `FLOAT columns are backed up with six significant digits, as the server writes them: ${listed(rows.map((row) => row.name))}.`,
      hint: 'Where more digits matter, change the columns to DOUBLE: those are backed up exactly.',
    },
  ];
}
