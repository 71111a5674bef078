import { FailureError } from '../../../protocol/failure.ts';
import type { BackupPreflight, Finding } from '../../../protocol/restore.ts';
import type { TableSelection } from '../../../protocol/selection.ts';
import type { OperationContext } from '../driver.ts';
import { listed } from '../words.ts';
import { connect, maintenanceDatabase, type PostgresServer, type Session } from './connect.ts';
import { connectGrant, readingGaps } from './privileges.ts';
import { quoteIdent } from './quote.ts';
import { switchedPartitions } from './requires.ts';
import { resolveSelection, selectionFindings } from './selection.ts';
import { chooseTool, type PostgresTool, saferVersion, toolLabel } from './tools.ts';

interface Question {
  server: PostgresServer;
  database: string;
  selection: TableSelection;
  tools: readonly PostgresTool[];
  context: OperationContext;
}

/**
 * What a backup needs and would miss. A database the account may not log in to is a finding; an unreachable
 * server, a wrong password or a database that does not exist is thrown.
 */
export async function preflightBackup(input: Question): Promise<BackupPreflight> {
  const { server, database, context } = input;
  let session: Session;
  try {
    session = await connect(server, database, context.signal);
  } catch (error) {
    if (!(error instanceof FailureError) || error.failure.code !== 'privilege_missing') throw error;
    return await withoutLogin(input);
  }
  await using _ = session;
  const tool = toolFor(input.tools, session);
  const selected = await resolveSelection(session, input.selection);
  const [size] = await session.rows<{ bytes: string }>(
    'SELECT pg_database_size(current_database()) AS bytes',
  );
  return {
    findings: [
      ...tool.findings,
      ...selectionFindings(selected),
      ...(await readingGaps(session, selected.leftOut)),
      ...(await losses(session)),
      ...(await collationMismatch(session, database)),
    ],
    serverVersion: session.version,
    tool: tool.label,
    estimatedBytes: Number(size?.bytes ?? 0),
  };
}

async function withoutLogin(input: Question): Promise<BackupPreflight> {
  const { server, database, context } = input;
  await using session = await connect(server, maintenanceDatabase(server), context.signal);
  const tool = toolFor(input.tools, session);
  const finding: Finding = {
    severity: 'blocker',
    code: 'connect_missing',
    message: `“${session.user}” may not log in to “${database}”.`,
    hint: 'Run this as the database’s owner or a superuser, then run the preflight again: there may be more to grant.',
    sql: connectGrant(database, session.user),
  };
  return {
    findings: [...tool.findings, finding],
    serverVersion: session.version,
    tool: tool.label,
    estimatedBytes: 0,
  };
}

/** The dump tool as findings: missing or too old is a blocker here, so that all findings are seen together. */
function toolFor(tools: readonly PostgresTool[], session: Session): { label: string; findings: Finding[] } {
  try {
    const tool = chooseTool(tools, 'pg_dump', session.major);
    return { label: toolLabel(tool), findings: toolWarnings(tool) };
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    const { code, message, hint } = error.failure;
    return { label: '', findings: [{ severity: 'blocker', code, message, hint }] };
  }
}

/** A warning where the tool has known holes that a hostile dump can use. */
export function toolWarnings(tool: PostgresTool): Finding[] {
  const safer = saferVersion(tool);
  if (!safer) return [];
  return [
    {
      severity: 'warning',
      code: 'tool_vulnerable',
      message: `${toolLabel(tool)} has known vulnerabilities (CVE-2025-8714, CVE-2025-8715, CVE-2026-18408).`,
      hint: `Update to ${safer} or later on the agent’s host: apt-get install postgresql-client-${tool.major}. Homeport never feeds a dump to psql, which they concern; others may.`,
    },
  ];
}

/** What no backup of this database holds, whoever takes it. */
async function losses(session: Session): Promise<Finding[]> {
  const [facts] = await session.rows<{ foreign: number; subscriptions: number }>(
    `SELECT (SELECT count(*)::int FROM pg_foreign_table) AS foreign,
       (SELECT count(*)::int FROM pg_stat_subscription) AS subscriptions`,
  );
  const findings: Finding[] = [];
  const switched = await switchedPartitions(session);
  if (switched.length > 0) {
    findings.push({
      severity: 'warning',
      code: 'switched_partitions',
      message: `Foreign-key triggers of ${listed(switched)} are switched otherwise than those of the partitioned table; pg_dump cannot write that down.`,
      hint: 'A restore leaves them as the partitioned table has them. Switch them again after a restore if you need to: ALTER TABLE … DISABLE TRIGGER ALL.',
    });
  }
  if (facts && facts.foreign > 0) {
    findings.push({
      severity: 'info',
      code: 'foreign_tables',
      message: `${facts.foreign} foreign tables are backed up as definitions; their rows live on other servers.`,
    });
  }
  if (facts && facts.subscriptions > 0 && !session.superuser) {
    findings.push({
      severity: 'warning',
      code: 'subscriptions',
      message:
        'Subscriptions of logical replication can only be backed up by a superuser; they would be left out.',
      hint: 'Back up with a superuser, or create them again after a restore.',
    });
  }
  if (!session.superuser) {
    findings.push({
      severity: 'info',
      code: 'role_passwords',
      message: 'Roles are backed up without their passwords: only a superuser can read those.',
    });
  }
  return findings;
}

/** After an upgrade of the server's system, indexes on text may be out of order; a dump of the rows is right all the same. */
async function collationMismatch(session: Session, database: string): Promise<Finding[]> {
  if (session.major < 15) return [];
  const [versions] = await session.rows<{ made: string; now: string }>(
    `SELECT datcollversion AS made, pg_database_collation_actual_version(oid) AS now
     FROM pg_database WHERE datname = current_database() AND datcollversion <> pg_database_collation_actual_version(oid)`,
  );
  if (!versions) return [];
  return [
    {
      severity: 'warning',
      code: 'collation_version',
      message: `“${database}” was created with collation version ${versions.made}, the server’s system now has ${versions.now}. Indexes on text may be out of order.`,
      hint: 'Backups are not affected. Run this in the database when it is quiet: it rebuilds the indexes, then notes the new version.',
      sql: `REINDEX DATABASE ${quoteIdent(database)};\nALTER DATABASE ${quoteIdent(database)} REFRESH COLLATION VERSION;`,
    },
  ];
}
