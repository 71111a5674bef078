import { setTimeout as delay } from 'node:timers/promises';
import type { OperationContext } from '../driver.ts';
import type { Session } from './connect.ts';

/** Far below the shortest stall limit that makes sense, in milliseconds. */
const LOOK_MS = 20_000;

/**
 * Until it is disposed: tells the job that it goes on while the server works for one of our sessions on
 * `database`. The last index of a restore may take hours in which no byte moves. A session that waits for a
 * lock, or for us, does not count.
 */
export function watchWork(
  session: Session,
  database: string,
  { context, everyMs = LOOK_MS }: { context: OperationContext; everyMs?: number },
): AsyncDisposable {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, context.signal]);
  const watch = async () => {
    for (;;) {
      await delay(everyMs, undefined, { signal });
      if (await works(session, database)) context.working?.();
    }
  };
  // It ends by its signal, or with the session: then the job itself meets the error.
  const ended = watch().catch(() => {});
  return {
    async [Symbol.asyncDispose]() {
      over.abort();
      await ended;
    },
  };
}

async function works(session: Session, database: string): Promise<boolean> {
  const rows = await session.rows(
    `SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'homeport%' AND pid <> pg_backend_pid()
       AND state = 'active' AND coalesce(wait_event_type, '') NOT IN ('Lock', 'Client')`,
    [database],
  );
  return rows.length > 0;
}
