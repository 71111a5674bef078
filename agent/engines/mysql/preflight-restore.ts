import { type FailureError, fail } from '../../../protocol/failure.ts';
import type { Finding, RestorePlan, RestorePreflight } from '../../../protocol/restore.ts';
import type { OperationContext, RestoreSource } from '../driver.ts';
import { connect, type MysqlServer } from './connect.ts';
import { type Flavour, PRODUCT } from './flavour.ts';
import { modeVerdicts } from './mode-verdicts.ts';
import { ownerVerdicts } from './owner-verdicts.ts';
import { quoteIdent } from './quote.ts';
import { type MysqlRequirements, parseRequirements } from './requirements.ts';
import { restoreFindings } from './restore-findings.ts';
import { missingDefiners } from './restore-rights.ts';
import { readTarget, type TargetFacts } from './target.ts';

export interface Question {
  server: MysqlServer;
  flavour: Flavour;
  /** Name of the database to create or fill. */
  target: string;
  source: RestoreSource;
  context: OperationContext;
}

/** A preflight, with what it was made from. */
export interface Looked {
  preflight: RestorePreflight;
  needs: MysqlRequirements;
  facts: TargetFacts;
}

/** What a restore of the snapshot onto this server could do, and what it lacks; nothing is changed. */
export async function preflightRestore(input: Question): Promise<RestorePreflight> {
  return (await lookAtTarget(input)).preflight;
}

/** The same, with what it was made from. */
export async function lookAtTarget(input: Question): Promise<Looked> {
  const { server, flavour, target, context } = input;
  const needs = parseRequirements(input.source.catalog.requirements);
  if (needs.flavour !== flavour) throw otherProduct(needs.flavour, flavour);
  quoteIdent(target); // throws for what can be no name
  await using session = await connect(server, flavour, { signal: context.signal });
  const facts = await readTarget(session, target, needs);
  const missing = [
    { kind: 'Accounts', names: missingDefiners(needs, facts) },
    { kind: 'Collations', names: facts.unknownCollations },
    { kind: 'Storage engines', names: facts.unknownEngines },
  ];
  const preflight = {
    findings: restoreFindings(needs, facts),
    modes: modeVerdicts(needs, facts),
    ownerChoices: ownerVerdicts(needs, facts),
    missing: missing.filter(({ names }) => names.length > 0),
    serverVersion: session.version,
    tool: 'Homeport’s own connection',
    target: {
      exists: facts.database !== undefined,
      ...(facts.database ? { sizeBytes: facts.database.sizeBytes, sessions: facts.database.sessions } : {}),
    },
  };
  return { preflight, needs, facts };
}

function otherProduct(from: Flavour, to: Flavour): FailureError {
  return fail(
    'restore_not_possible',
    `A ${PRODUCT[from]} snapshot cannot be restored to ${PRODUCT[to]}.`,
    'Choose a server of the same product.',
  );
}

/**
 * Throws what the preflight found to be in the way of `plan`: `database_exists`, `database_missing`,
 * `privilege_missing` or `restore_not_possible`.
 */
export function refuseImpossible(preflight: RestorePreflight, plan: RestorePlan): void {
  const mode = preflight.modes.find((one) => one.mode === plan.mode);
  const owners = preflight.ownerChoices.find((one) => one.choice === plan.owners);
  const hint = 'Nothing was changed. Run the preflight: it says what is possible.';
  const extra = (sql: string | undefined) => (sql ? { sql } : {});
  if (!mode?.possible) {
    const { exists } = preflight.target;
    const code =
      plan.mode === 'new' && exists
        ? 'database_exists'
        : plan.mode === 'in-place' && !exists
          ? 'database_missing'
          : mode?.sql
            ? 'privilege_missing'
            : 'restore_not_possible';
    throw fail(code, mode?.reason ?? 'There is no such mode here.', hint, extra(mode?.sql));
  }
  if (!owners?.possible) {
    const code = owners?.sql ? 'privilege_missing' : 'restore_not_possible';
    throw fail(code, owners?.reason ?? 'There is no such choice here.', hint, extra(owners?.sql));
  }
  const blocker = preflight.findings.find((finding) => blocks(finding, plan));
  if (blocker) throw fail('restore_not_possible', blocker.message, blocker.hint ?? hint, extra(blocker.sql));
}

function blocks(finding: Finding, plan: RestorePlan): boolean {
  return finding.severity === 'blocker' && (finding.modes?.includes(plan.mode) ?? true);
}
