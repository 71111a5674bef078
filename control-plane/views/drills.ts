import { type DrillRow, drillsOfSnapshots, drillVerdictsOf, newestDrills, openDrills } from '../db/drills.ts';
import type { Db } from '../db/open.ts';
import type { ScheduleListing } from '../db/schedules.ts';
import { drillSettingOf, nextDrillAt } from '../policies/drill.ts';
import { iso } from './times.ts';

/** How one drill ended, as the API shows it; what it found is in the result of its job. */
export function drillView({ finishedAt, jobId, outcome, snapshotId }: DrillRow) {
  return { jobId, snapshotId, outcome, finishedAt: iso(finishedAt) };
}
export type DrillView = ReturnType<typeof drillView>;

const orNull = (row: DrillRow | undefined) => (row === undefined ? null : drillView(row));

/** Tells of databases how they stand with their drills. */
export function drillStandings(db: Db, databaseIds: readonly string[]) {
  const verdicts = drillVerdictsOf(db, databaseIds);
  const newest = newestDrills(db, databaseIds);
  const open = openDrills(db, databaseIds);
  return (databaseId: string, schedule: ScheduleListing | undefined) => {
    const last = newest.get(databaseId);
    const setting = drillSettingOf(schedule?.drill ?? null);
    const { finishedAt = null, outcome = null } = last ?? {};
    const nextAt = setting && finishedAt !== null ? nextDrillAt(setting, { finishedAt, outcome }) : null;
    return {
      /** The newest that passed or failed; null where none ever did. */
      verdict: orNull(verdicts.get(databaseId)),
      /** The newest, whatever came of it. */
      last: orNull(last),
      /** The drill that waits or runs. */
      openJobId: open.get(databaseId) ?? null,
      /** How often its policy has it drilled; null: by hand only. */
      everyDays: setting?.everyDays ?? null,
      nextAt: nextAt === null ? null : iso(nextAt),
    };
  };
}

/** The newest drill of each snapshot that was ever drilled, by their ids. */
export function drillsBySnapshot(db: Db, snapshotIds: readonly string[]): Map<string, DrillView> {
  const rows = [...drillsOfSnapshots(db, snapshotIds)];
  return new Map(rows.map(([id, row]) => [id, drillView(row)]));
}
