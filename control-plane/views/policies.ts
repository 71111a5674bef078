import type { Reach } from '../auth/reach.ts';
import { labelsOfAgents } from '../db/agents.ts';
import { findPolicy, listPolicies, type PolicyRow } from '../db/policies.ts';
import { type ScheduleListing, standingOfPolicies } from '../db/schedules.ts';
import type { AppDeps } from '../deps.ts';
import { drillSettingOf } from '../policies/drill.ts';
import type { Choice } from '../policies/effective.ts';
import { type Schedule, scheduleSchema } from '../policies/schedule.ts';
import { retentionSchema } from '../retention/rules.ts';
import { iso, isoOrNull } from './times.ts';

type Deps = Pick<AppDeps, 'db'>;

/** Policies as the API shows them, with how much they are for, of what the caller may see. */
export function policyViews({ db }: Deps, reach: Reach) {
  const standing = standingOfPolicies(db, reach.agentIds);
  const seen = new Set(labelsOfAgents(db).flatMap(({ id, labels }) => (reach.has(id) ? labels : [])));
  const shown = (label: string) => reach.agentIds === null || seen.has(label);
  return listPolicies(db).map((policy) =>
    view({ ...policy, labels: policy.labels.filter(shown) }, standing.get(policy.id)),
  );
}

export function onePolicy({ db }: Deps, id: string) {
  const policy = findPolicy(db, id);
  return policy && view(policy, standingOfPolicies(db, null).get(id));
}

function view(
  { createdAt, drill, everywhere, id, labels, name, retention, schedule }: PolicyRow,
  standing: { databases: number; nextAt: number | null } = { databases: 0, nextAt: null },
) {
  return {
    ...{ id, name, everywhere, labels },
    schedule: scheduleOf(schedule),
    /** Null: every snapshot stays. */
    retention: retention === null ? null : retentionSchema.parse(JSON.parse(retention)),
    drill: drillSettingOf(drill),
    databaseCount: standing.databases,
    /** When it next begins a backup. */
    nextAt: isoOrNull(standing.nextAt),
    createdAt: iso(createdAt),
  };
}

function scheduleOf(text: string): Schedule {
  return scheduleSchema.parse(JSON.parse(text));
}

/** Which policy a database has and when that is next at work; null where backups are made by hand only. */
export function databaseScheduleView(row: ScheduleListing | undefined) {
  if (!row) return null;
  return {
    policyId: row.policyId,
    policyName: row.policyName,
    /** What decided that. */
    source: row.source,
    label: row.label,
    nextAt: isoOrNull(row.startsAt),
    /** The run that was last passed over, and why. */
    skipped:
      row.skippedAt !== null && row.skipped !== null ? { at: iso(row.skippedAt), why: row.skipped } : null,
  };
}

/** What was chosen for something by itself: `inherit`, `none` for by hand only, or the id of a policy. */
export type PolicyChoice = string;

export function choiceView(choice: Choice | undefined): PolicyChoice {
  return choice === undefined ? 'inherit' : (choice.policyId ?? 'none');
}
