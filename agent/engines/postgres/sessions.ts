import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from './connect.ts';

/** How often those are looked for that a restore waits for, in milliseconds. */
const LOOK_MS = 200;
/** How often a transaction is looked for that is about to begin, in milliseconds. */
const BEGIN_MS = 20;

/** Ends all sessions on a database but ours; throws `privilege_missing` where the account may not. */
export async function endSessions(session: Session, database: string): Promise<void> {
  await session.rows(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = $1 AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    [database],
  );
}

/** Who holds what a restore waits for; ends their sessions where that is allowed. Stops when disposed. */
export function clearTheWay(
  session: Session,
  input: { applicationName: string; end: boolean; signal: AbortSignal },
): AsyncDisposable & { holders(): readonly string[] } {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, input.signal]);
  let holders: string[] = [];
  const look = async () => {
    for (;;) {
      await delay(LOOK_MS, undefined, { signal });
      const found = await blocking(session, input.applicationName);
      if (found.length > 0) holders = found.map(describe);
      if (!input.end) continue;
      for (const { pid } of found) if (pid > 0) await session.rows('SELECT pg_terminate_backend($1)', [pid]);
    }
  };
  // Ends by its signal, or with the session, or where a session may not be ended: the lock’s time limit tells then.
  const ended = look().catch(() => {});
  return {
    holders: () => holders,
    async [Symbol.asyncDispose]() {
      over.abort();
      await ended;
    },
  };
}

interface Holder {
  /** 0 for a prepared transaction, which no session holds any more. */
  pid: number;
  prepared: string | null;
  user: string | null;
  program: string | null;
  address: string | null;
}

async function blocking(session: Session, applicationName: string): Promise<Holder[]> {
  return await session.rows<Holder>(
    `SELECT DISTINCT holder AS pid, b.usename AS user, b.application_name AS program, host(b.client_addr) AS address,
       CASE holder WHEN 0 THEN (SELECT string_agg(quote_literal(gid), ', ') FROM pg_prepared_xacts x WHERE x.database = a.datname) END AS prepared
     FROM pg_stat_activity a CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS holder
       LEFT JOIN pg_stat_activity b ON b.pid = holder WHERE a.usename = session_user AND starts_with(a.application_name, $1)`,
    [applicationName],
  );
}

function describe({ pid, user, program, address, prepared }: Holder): string {
  if (pid === 0) return `a prepared transaction (${prepared}: COMMIT PREPARED or ROLLBACK PREPARED ends it)`;
  const more = [program, address].filter(Boolean).join(', ');
  return `“${user ?? 'the server itself'}” (process ${pid}${more ? `, ${more}` : ''})`;
}

/**
 * Waits until the run has begun its transaction, and gives its number: see the clean-up. `undefined` where it can
 * commit nothing any more: a statement failed, which takes the number back, or the session is gone. pg_restore may not
 * have noticed yet: while it copies rows it reads on to their end, which must then be given to it.
 */
export async function transactionOf(
  session: Session,
  { applicationName, signal }: { applicationName: string; signal: AbortSignal },
): Promise<string | undefined> {
  for (let seen = false; ; ) {
    const [row] = await session.rows<{ name: string; failed: boolean }>(
      // Others can take any name: only our own account's session counts.
      `SELECT application_name AS name, state = 'idle in transaction (aborted)' AS failed FROM pg_stat_activity
       WHERE usename = session_user AND starts_with(application_name, $1)`,
      [applicationName],
    );
    const number = row?.name.slice(applicationName.length + 1);
    if (number) return number;
    if (row ? row.failed : seen) return undefined;
    seen = row !== undefined;
    await delay(BEGIN_MS, undefined, { signal });
  }
}
