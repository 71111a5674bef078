import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from './connect.ts';

/** How often we look whether the session of a transaction has ended, in milliseconds. */
const LOOK_MS = 100;

export type Outcome = 'committed' | 'aborted';

/**
 * Ends what is left of the run called `applicationName` and tells what became of its transaction. One without a
 * number has committed nothing: the number is known before the archive's last byte goes out.
 */
export async function outcomeOf(
  session: Session,
  run: { database: string; applicationName: string; transaction?: string | undefined },
  signal: AbortSignal,
): Promise<Outcome> {
  for (;;) {
    const rows = await session.rows(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND usename = session_user AND starts_with(application_name, $2)',
      [run.database, run.applicationName],
    );
    if (rows.length === 0) break;
    await delay(LOOK_MS, undefined, { signal });
  }
  if (run.transaction === undefined) return 'aborted';
  const [row] = await session.rows<{ status: string }>('SELECT pg_xact_status($1::xid8) AS status', [
    run.transaction,
  ]);
  return row?.status === 'committed' ? 'committed' : 'aborted';
}
