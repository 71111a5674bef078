import { FailureError, fail } from '../../../protocol/failure.ts';
import type { Finding, RestorePlan, RestorePreflight } from '../../../protocol/restore.ts';
import type { OperationContext, RestoreSource } from '../driver.ts';
import { connect, maintenanceDatabase, type PostgresServer } from './connect.ts';
import { keptName } from './database.ts';
import { modeVerdicts } from './mode-verdicts.ts';
import { ownerVerdicts } from './owner-verdicts.ts';
import { toolWarnings } from './preflight-backup.ts';
import { listed } from './privileges.ts';
import { quoteIdent } from './quote.ts';
import { type PostgresRequirements, parseRequirements } from './requirements.ts';
import { readTarget, type TargetFacts } from './target.ts';
import { chooseTool, type PostgresTool, toolLabel } from './tools.ts';

interface Question {
  server: PostgresServer;
  /** Name of the database to create or exchange. */
  target: string;
  source: RestoreSource;
  tools: readonly PostgresTool[];
  context: OperationContext;
}

/** What a restore of the snapshot onto this server could do, and what it lacks; nothing is changed. */
export async function preflightRestore(input: Question): Promise<RestorePreflight> {
  const requirements = parseRequirements(input.source.catalog.requirements);
  quoteIdent(input.target); // throws for what can be no name
  await using session = await connect(input.server, maintenanceDatabase(input.server), input.context.signal);
  const facts = await readTarget(session, input.target, requirements);
  const tool = toolFor(input.tools, Math.max(requirements.dumpMajor, session.major));
  const ownerChoices = ownerVerdicts(requirements, facts);
  const modes = modeVerdicts(input.target, facts, maintenanceDatabase(input.server));
  const kept = facts.database && keptName(input.target, facts.now, new Set(facts.databases));
  return {
    findings: [...tool.findings, ...findings(requirements, facts), ...hostile(requirements, facts)],
    modes,
    ownerChoices,
    missing: {
      roles: facts.missingRoles,
      extensions: facts.extensions.filter((one) => !one.available).map((one) => one.name),
      tablespaces: facts.missingTablespaces,
      locales: facts.missingLocales,
    },
    serverVersion: session.version,
    tool: tool.label,
    target: {
      exists: facts.database !== undefined,
      ...(facts.database ? { sizeBytes: facts.database.sizeBytes, sessions: facts.database.sessions } : {}),
      ...(kept ? { keptAs: kept } : {}),
    },
  };
}

function toolFor(tools: readonly PostgresTool[], major: number): { label: string; findings: Finding[] } {
  try {
    const tool = chooseTool(tools, 'pg_restore', major);
    return { label: toolLabel(tool), findings: toolWarnings(tool) };
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    const { code, message, hint } = error.failure;
    return { label: '', findings: [{ severity: 'blocker', code, message, hint }] };
  }
}

function findings(requirements: PostgresRequirements, facts: TargetFacts): Finding[] {
  const found: Finding[] = [];
  const blocker = (code: string, message: string, hint: string, sql?: string) =>
    found.push({ severity: 'blocker', code, message, hint, ...(sql ? { sql } : {}) });
  const unavailable = facts.extensions.filter((one) => !one.available).map((one) => one.name);
  if (unavailable.length > 0) {
    blocker(
      'extension_missing',
      `The server has no extension ${listed(unavailable)}.`,
      'Install its package on the database server; most come with postgresql-contrib.',
    );
  }
  const forSuperusers = facts.extensions
    .filter((one) => one.available && one.superuserOnly)
    .map((one) => one.name);
  if (forSuperusers.length > 0 && !facts.superuser) {
    blocker(
      'extension_privilege',
      `Only a superuser can create the extension ${listed(forSuperusers)}.`,
      'Restore with a superuser, for this once.',
      superuserGrant(facts),
    );
  }
  const older = facts.extensions.filter((one) => one.available && !one.sameVersion).map((one) => one.name);
  if (older.length > 0) {
    found.push({
      severity: 'info',
      code: 'extension_version',
      message: `The server will create its own version of ${listed(older)}, not the one that was backed up.`,
    });
  }
  if (facts.missingTablespaces.length > 0) {
    blocker(
      'tablespace_missing',
      `The server has no tablespace ${listed(facts.missingTablespaces)}.`,
      'Create a directory on the database server that belongs to its account, then run this with its path.',
      facts.missingTablespaces
        .map((name) => `CREATE TABLESPACE ${quoteIdent(name)} LOCATION '/path/to/directory';`)
        .join('\n'),
    );
  }
  if (facts.closedTablespaces.length > 0) {
    blocker(
      'tablespace_privilege',
      `“${facts.user}” may not create anything in the tablespace ${listed(facts.closedTablespaces)}.`,
      'Run this as the tablespace’s owner or a superuser.',
      facts.closedTablespaces
        .map((name) => `GRANT CREATE ON TABLESPACE ${quoteIdent(name)} TO ${quoteIdent(facts.user)};`)
        .join('\n'),
    );
  }
  if (facts.missingLocales.length > 0) {
    blocker(
      'locale_missing',
      `The server does not know the locale ${listed(facts.missingLocales)}.`,
      'Install it on the database server (locale-gen or the locales-all package), then restart PostgreSQL.',
    );
  }
  if (requirements.hasEventTriggers && !facts.superuser) {
    blocker(
      'event_triggers',
      'The backup holds event triggers; only a superuser can create them.',
      'Restore with a superuser, for this once.',
      superuserGrant(facts),
    );
  }
  const { settings, roles } = facts.closed;
  if (settings.length + roles.length > 0) {
    const parts = [
      ...(settings.length > 0 ? [`the settings ${listed(settings)}`] : []),
      ...(roles.length > 0 ? [`settings in this database of the roles ${listed(roles)}`] : []),
    ];
    found.push({
      severity: 'warning',
      code: 'settings_withheld',
      message: `“${facts.user}” may not make ${parts.join(' and ')}; they will be left out.`,
      hint: 'The report of the restore prints the statements for a superuser to run.',
    });
  }
  if (facts.leftover) {
    found.push({
      severity: 'info',
      code: 'leftover',
      message: `An interrupted restore left the database “${facts.leftover}”.`,
      hint: 'It takes up space and can be dropped, unless that restore still runs.',
      sql: `DROP DATABASE ${quoteIdent(facts.leftover)};`,
    });
  }
  if (requirements.serverMajor > facts.major) {
    found.push({
      severity: 'warning',
      code: 'older_server',
      message: `The backup comes from PostgreSQL ${requirements.serverMajor}, this server is ${facts.major}.`,
      hint: 'What the older server does not know makes the restore fail; then nothing is changed.',
    });
  }
  return found;
}

/** Restoring runs code (defaults, CHECKs, triggers on indexes) that a table's owner wrote. */
function hostile(requirements: PostgresRequirements, facts: TargetFacts): Finding[] {
  if (!facts.superuser || !requirements.lesserOwnersHaveCode) return [];
  return [
    {
      severity: 'warning',
      code: 'runs_foreign_code',
      message:
        'The restore runs as superuser, and the backup holds code (functions, CHECKs, index expressions) that roles without that right own.',
      hint: 'Whoever owns it could make it run with a superuser’s rights. If you do not trust them, restore with an account that has CREATEDB only.',
    },
  ];
}

function superuserGrant(facts: TargetFacts): string {
  return `ALTER ROLE ${quoteIdent(facts.user)} SUPERUSER; -- and NOSUPERUSER afterwards`;
}

/**
 * Throws what the preflight found to be in the way of `plan`:
 * `database_exists`, `database_missing`, `privilege_missing`, `tool_missing`, `tool_too_old` or `restore_not_possible`.
 */
export function refuseImpossible(preflight: RestorePreflight, plan: RestorePlan): void {
  const mode = preflight.modes.find((one) => one.mode === plan.mode);
  const owners = preflight.ownerChoices.find((one) => one.choice === plan.owners);
  const blocker = preflight.findings.find((finding) => finding.severity === 'blocker');
  const hint = 'Nothing was changed. Run the preflight: it says what is possible.';
  if (!mode?.possible) {
    const exists = preflight.target.exists;
    const code =
      plan.mode === 'new' && exists
        ? 'database_exists'
        : plan.mode === 'swap' && !exists
          ? 'database_missing'
          : mode?.sql
            ? 'privilege_missing'
            : 'restore_not_possible';
    throw fail(code, mode?.reason ?? 'This mode is unknown.', hint, mode?.sql ? { sql: mode.sql } : {});
  }
  if (!owners?.possible) {
    throw fail(
      'restore_not_possible',
      owners?.reason ?? 'This choice is unknown.',
      hint,
      owners?.sql ? { sql: owners.sql } : {},
    );
  }
  if (blocker) {
    const code =
      blocker.code === 'tool_missing' || blocker.code === 'tool_too_old'
        ? blocker.code
        : 'restore_not_possible';
    throw fail(code, blocker.message, blocker.hint ?? hint, blocker.sql ? { sql: blocker.sql } : {});
  }
}
