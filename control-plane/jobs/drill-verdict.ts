import type { DrillReport } from '../../protocol/drill.ts';
import { type Failure, type FailureCode, fail } from '../../protocol/failure.ts';
import type { JobResult } from '../../protocol/job.ts';
import type { DrillOutcome } from '../db/drills.ts';
import type { JobRow } from '../db/jobs.ts';

/** Failures that say that a snapshot cannot be restored as it is; all others are about the host or its agent. */
const OF_THE_SNAPSHOT: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'drill_failed',
  'restore_sql_error',
  'dump_incomplete',
  'manifest_invalid',
  'signature_invalid',
  'key_missing',
  'chunks_missing',
  'pack_corrupt',
]);

/** Names that a sentence holds. */
const NAMED = 3;

/** What a drill says about its snapshot, once it has ended. Pure. */
export function drillOutcome(state: JobRow['state'], failure: Failure | null): DrillOutcome {
  if (state === 'succeeded') return 'passed';
  return state === 'failed' && failure && OF_THE_SNAPSHOT.has(failure.code) ? 'failed' : 'incomplete';
}

/** Why a drill that came to its end failed all the same; undefined where it passed. Pure. */
export function drillFailure(result: JobResult): Failure | undefined {
  if (result.kind !== 'drill') {
    return fail(
      'internal',
      `The agent reported a ${result.kind} where a drill was asked for.`,
      'Look at the agent’s log.',
    ).failure;
  }
  const { report } = result;
  if (report.passed && report.differing === 0) return undefined;
  const why = [...rowsThatDiffer(report), ...assertionsThatFailed(report)];
  return fail(
    'drill_failed',
    `The snapshot was restored, but is not what it should be: ${why.join(' ')}`,
    'Find out why before you need it: compare with the database itself, and back it up again.',
  ).failure;
}

function rowsThatDiffer({ differences, differing }: DrillReport): string[] {
  if (differing === 0) return [];
  const named = differences
    .slice(0, NAMED)
    .map(({ expected, found, table }) =>
      found === null ? `“${table}” is missing` : `“${table}” has ${found} rows instead of ${expected}`,
    );
  const more = differing - named.length;
  return [`${named.join(', ')}${more > 0 ? `, and ${more} more tables differ` : ''}.`];
}

function assertionsThatFailed({ assertions }: DrillReport): string[] {
  const failed = assertions.filter(({ outcome }) => outcome !== 'passed');
  const named = failed.slice(0, NAMED).map(({ message, name }) => `Assertion “${name}”: ${message}`);
  const more = failed.length - named.length;
  return more > 0 ? [...named, `And ${more} more assertions.`] : named;
}
