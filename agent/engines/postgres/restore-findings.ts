import type { Finding } from '../../../protocol/restore.ts';
import { listed } from '../words.ts';
import type { InPlaceFacts } from './in-place-facts.ts';
import { superuserGrant } from './privileges.ts';
import { quoteIdent } from './quote.ts';
import type { PostgresRequirements } from './requirements.ts';
import type { TargetFacts } from './target.ts';

/** Modes that make a database. */
const BESIDE: Finding['modes'] = ['new', 'swap'];

function blocker(code: string, message: string, hint: string, sql?: string): Finding {
  return { severity: 'blocker', code, message, hint, ...(sql ? { sql } : {}) };
}

/** What a target lacks for a snapshot, and what to know before restoring it there. */
export function restoreFindings(
  requirements: PostgresRequirements,
  facts: TargetFacts,
  inside: InPlaceFacts | undefined,
): Finding[] {
  return [
    ...extensions(facts, new Set(inside?.extensions.map((one) => one.name))),
    ...places(facts),
    ...rights(requirements, facts),
    ...surroundings(requirements, facts),
    ...hostile(requirements, facts),
  ];
}

/** `installed`: those of the target database, which a restore in place leaves there. */
function extensions(facts: TargetFacts, installed: ReadonlySet<string>): Finding[] {
  const found: Finding[] = [];
  const unavailable = facts.extensions.filter((one) => !one.available).map((one) => one.name);
  if (unavailable.length > 0) {
    found.push(
      blocker(
        'extension_missing',
        `The server has no extension ${listed(unavailable)}.`,
        'Install its package on the database server; most come with postgresql-contrib.',
      ),
    );
  }
  const forSuperusers = facts.extensions
    .filter((one) => one.available && one.superuserOnly)
    .map((one) => one.name);
  if (forSuperusers.length > 0 && !facts.superuser) {
    const finding = blocker(
      'extension_privilege',
      `Only a superuser can create the extension ${listed(forSuperusers)}.`,
      'Restore with a superuser, for this once.',
      superuserGrant(facts.user),
    );
    const there = forSuperusers.every((name) => installed.has(name));
    found.push(there ? { ...finding, modes: BESIDE } : finding);
  }
  const older = facts.extensions.filter((one) => one.available && !one.sameVersion).map((one) => one.name);
  if (older.length > 0) {
    found.push({
      severity: 'info',
      code: 'extension_version',
      message: `The server will create its own version of ${listed(older)}, not the one that was backed up.`,
    });
  }
  return found;
}

/** Tablespaces and locales. */
function places(facts: TargetFacts): Finding[] {
  const found: Finding[] = [];
  if (facts.missingTablespaces.length > 0) {
    found.push(
      blocker(
        'tablespace_missing',
        `The server has no tablespace ${listed(facts.missingTablespaces)}.`,
        'Create a directory on the database server that belongs to its account, then run this with its path.',
        facts.missingTablespaces
          .map((name) => `CREATE TABLESPACE ${quoteIdent(name)} LOCATION '/path/to/directory';`)
          .join('\n'),
      ),
    );
  }
  if (facts.closedTablespaces.length > 0) {
    found.push(
      blocker(
        'tablespace_privilege',
        `“${facts.user}” may not create anything in the tablespace ${listed(facts.closedTablespaces)}.`,
        'Run this as the tablespace’s owner or a superuser.',
        facts.closedTablespaces
          .map((name) => `GRANT CREATE ON TABLESPACE ${quoteIdent(name)} TO ${quoteIdent(facts.user)};`)
          .join('\n'),
      ),
    );
  }
  if (facts.missingLocales.length > 0) {
    found.push({
      ...blocker(
        'locale_missing',
        `The server does not know the locale ${listed(facts.missingLocales)}.`,
        'Install it on the database server (locale-gen or the locales-all package), then restart PostgreSQL.',
      ),
      modes: BESIDE,
    });
  }
  return found;
}

function rights(requirements: PostgresRequirements, facts: TargetFacts): Finding[] {
  const found: Finding[] = [];
  if (requirements.hasEventTriggers && !facts.superuser) {
    found.push(
      blocker(
        'event_triggers',
        'The backup holds event triggers; only a superuser can create them.',
        'Restore with a superuser, for this once.',
        superuserGrant(facts.user),
      ),
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
      modes: BESIDE,
    });
  }
  return found;
}

function surroundings(requirements: PostgresRequirements, facts: TargetFacts): Finding[] {
  const found: Finding[] = [];
  if (requirements.excludedTables.length > 0) {
    found.push({
      severity: 'info',
      code: 'rows_left_out',
      message: `The snapshot has no rows of ${listed(requirements.excludedTables)}: they were left out when it was made.`,
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
