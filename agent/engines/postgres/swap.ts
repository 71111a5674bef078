import { setTimeout as delay } from 'node:timers/promises';
import { fail } from '../../../protocol/failure.ts';
import { connect, maintenanceDatabase, type PostgresServer, type Session } from './connect.ts';
import { quoteIdent } from './quote.ts';

/** PostgreSQL waits 5 s for sessions to go before it refuses a rename; how often we end those that are left. */
const END_SESSIONS_EVERY_MS = 200;

/** Gives the restored database its name where that is free. */
export async function publish(session: Session, scratch: string, target: string): Promise<void> {
  await session.run(`ALTER DATABASE ${quoteIdent(scratch)} RENAME TO ${quoteIdent(target)}`);
}

/**
 * Exchanges the names in one transaction: target → `kept`, scratch → target. The first rename locks the target
 * against new sessions, so that no window is left between ending the old ones and the exchange.
 * @throws FailureError `database_in_use` where sessions are there and `endSessions` is not set
 */
export async function swap(
  server: PostgresServer,
  names: { scratch: string; target: string; kept: string },
  how: { session: Session; endSessions: boolean; signal: AbortSignal },
): Promise<void> {
  const { session } = how;
  const sessions = await sessionsOn(session, names.target);
  if (sessions > 0 && !how.endSessions) throw inUse(names.target, sessions);
  await session.run('BEGIN');
  try {
    const rename = session.run(
      `ALTER DATABASE ${quoteIdent(names.target)} RENAME TO ${quoteIdent(names.kept)}`,
    );
    rename.catch(() => {}); // awaited below, unless ending the sessions fails first
    if (how.endSessions)
      await endSessionsUntil(rename, server, { database: names.target, signal: how.signal });
    await rename;
    await session.run(`ALTER DATABASE ${quoteIdent(names.scratch)} RENAME TO ${quoteIdent(names.target)}`);
    await session.run('COMMIT');
  } catch (error) {
    // A session that was cut has rolled back by itself.
    await session.run('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** Ends the target's sessions while `rename` waits for them. */
async function endSessionsUntil(
  rename: Promise<void>,
  server: PostgresServer,
  input: { database: string; signal: AbortSignal },
): Promise<void> {
  await using other = await connect(server, maintenanceDatabase(server), input.signal);
  let settled = false;
  const done = rename.then(
    () => (settled = true),
    () => (settled = true), // the caller awaits `rename` itself and meets its error there
  );
  while (!settled) {
    await other.rows('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [
      input.database,
    ]);
    await Promise.race([done, delay(END_SESSIONS_EVERY_MS, undefined, { ref: false })]);
  }
}

/** Client sessions on a database, ours apart. */
export async function sessionsOn(session: Session, database: string): Promise<number> {
  const [row] = await session.rows<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity
     WHERE datname = $1 AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    [database],
  );
  return row?.count ?? 0;
}

function inUse(database: string, sessions: number) {
  return fail(
    'database_in_use',
    `${sessions} session${sessions === 1 ? ' is' : 's are'} using “${database}”.`,
    'Stop what uses it, or allow the restore to end its sessions.',
    { retryable: true },
  );
}
