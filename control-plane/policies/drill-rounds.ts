import { toFailure } from '../../protocol/failure.ts';
import type { Clock } from '../clock.ts';
import { drillCandidates } from '../db/drills.ts';
import type { Db } from '../db/open.ts';
import type { Events } from '../events.ts';
import type { JobService } from '../jobs/service.ts';
import type { Logger } from '../log.ts';
import { drillBegins } from './drill.ts';

export interface DrillRoundsDeps {
  db: Db;
  clock: Clock;
  events: Events;
  log: Logger;
  jobs: Pick<JobService, 'createDrill'>;
}

/** Between two looks at which drills are due, in milliseconds: they are days apart. */
const LOOK_MS = 60_000;
/** Drills that begin in one look; each agent runs one at a time. */
const AT_ONCE = 100;
/** How long one that was refused is left alone, in milliseconds. */
const REFUSED_MS = 3600_000;

/** Begins drills when policies say so; to be called often. */
export function createDrillRounds(deps: DrillRoundsDeps): () => void {
  const { clock, db, events, jobs, log } = deps;
  let lookedAt = Number.NEGATIVE_INFINITY;
  /** Databases whose drill was refused, and until when that is taken for an answer. */
  const refused = new Map<string, number>();

  return function look() {
    const now = clock.now();
    if (Math.abs(now - lookedAt) < LOOK_MS) return;
    lookedAt = now;
    for (const [id, until] of refused) if (until <= now) refused.delete(id);
    const due = drillCandidates(db).filter((one) => !refused.has(one.databaseId) && drillBegins(one, now));
    // Those that were never drilled first, then the longest ago.
    due.sort((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0));
    let begun = 0;
    for (const { databaseId, policyName } of due.slice(0, AT_ONCE)) {
      try {
        jobs.createDrill(databaseId, `Policy ${policyName}`);
        begun += 1;
      } catch (error) {
        refused.set(databaseId, now + REFUSED_MS);
        log.warn({ databaseId, failure: toFailure(error) }, 'a drill did not begin by its policy');
      }
    }
    if (begun > 0) events.changed('jobs');
  };
}
