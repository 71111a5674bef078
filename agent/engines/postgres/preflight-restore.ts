import { FailureError, fail } from '../../../protocol/failure.ts';
import type { Finding, RestorePlan, RestorePreflight } from '../../../protocol/restore.ts';
import type { OperationContext, RestoreSource } from '../driver.ts';
import { connect, maintenanceDatabase, type PostgresServer } from './connect.ts';
import { keptName } from './database.ts';
import { readInPlace } from './in-place-facts.ts';
import { inPlaceFindings, inPlaceVerdict } from './in-place-verdict.ts';
import { modeVerdicts } from './mode-verdicts.ts';
import { ownerVerdicts } from './owner-verdicts.ts';
import { toolWarnings } from './preflight-backup.ts';
import { quoteIdent } from './quote.ts';
import { parseRequirements } from './requirements.ts';
import { restoreFindings } from './restore-findings.ts';
import { readTarget } from './target.ts';
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
  const inside =
    facts.database && !facts.database.template
      ? await readInPlace(input.server, input.target, { needs: requirements, signal: input.context.signal })
      : undefined;
  const inPlace = inPlaceVerdict({
    target: input.target,
    facts,
    inside,
    needs: requirements,
    tool: tool.chosen,
  });
  const modes = modeVerdicts(input.target, facts, {
    maintenance: maintenanceDatabase(input.server),
    inPlace,
  });
  const known = inside && !('closed' in inside) ? inside : undefined;
  const kept = facts.database && keptName(input.target, facts.now, new Set(facts.databases));
  return {
    findings: [
      ...tool.findings,
      ...restoreFindings(requirements, facts, known),
      ...(known ? inPlaceFindings(requirements, known) : []),
    ],
    modes,
    ownerChoices,
    missing: [
      { kind: 'Roles', names: facts.missingRoles },
      {
        kind: 'Extensions',
        names: facts.extensions.filter((one) => !one.available).map((one) => one.name),
      },
      { kind: 'Tablespaces', names: facts.missingTablespaces },
      { kind: 'Locales', names: facts.missingLocales },
    ].filter(({ names }) => names.length > 0),
    serverVersion: session.version,
    tool: tool.label,
    target: {
      exists: facts.database !== undefined,
      ...(facts.database ? { sizeBytes: facts.database.sizeBytes, sessions: facts.database.sessions } : {}),
      ...(kept ? { keptAs: kept } : {}),
    },
  };
}

function toolFor(
  tools: readonly PostgresTool[],
  major: number,
): { label: string; findings: Finding[]; chosen?: PostgresTool } {
  try {
    const tool = chooseTool(tools, 'pg_restore', major);
    return { label: toolLabel(tool), findings: toolWarnings(tool), chosen: tool };
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    const { code, message, hint } = error.failure;
    return { label: '', findings: [{ severity: 'blocker', code, message, hint }] };
  }
}

/**
 * Throws what the preflight found to be in the way of `plan`:
 * `database_exists`, `database_missing`, `privilege_missing`, `tool_missing`, `tool_too_old` or `restore_not_possible`.
 */
export function refuseImpossible(preflight: RestorePreflight, plan: RestorePlan): void {
  const mode = preflight.modes.find((one) => one.mode === plan.mode);
  const owners = preflight.ownerChoices.find((one) => one.choice === plan.owners);
  const blocker = preflight.findings.find(
    (finding) => finding.severity === 'blocker' && (finding.modes?.includes(plan.mode) ?? true),
  );
  const hint = 'Nothing was changed. Run the preflight: it says what is possible.';
  if (!mode?.possible) {
    const exists = preflight.target.exists;
    const code =
      plan.mode === 'new' && exists
        ? 'database_exists'
        : plan.mode !== 'new' && !exists
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
