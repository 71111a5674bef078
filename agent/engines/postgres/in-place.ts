import { randomBytes } from 'node:crypto';
import { FailureError, fail } from '../../../protocol/failure.ts';
import type { RestoreReport } from '../../../protocol/restore.ts';
import { analyse } from './analyse.ts';
import { watchWork } from './at-work.ts';
import { cleanUpSql, withoutCleanUp } from './clean-up.ts';
import { connect, explained, maintenanceDatabase, type PostgresServer, type Session } from './connect.ts';
import type { PostgresGlobals } from './globals.ts';
import { type InPlaceFacts, readInPlace } from './in-place-facts.ts';
import { inPlaceNotes } from './in-place-notes.ts';
import { type Atomic, loadArchive } from './load.ts';
import { passOver } from './pass-over.ts';
import type { Roles } from './prepare-roles.ts';
import type { PostgresRequirements } from './requirements.ts';
import type { Restoring } from './restoring.ts';
import { removeRoles } from './roles.ts';
import { clearTheWay, endSessions, transactionOf } from './sessions.ts';
import { chooseTool, toolLabel } from './tools.ts';
import { type Outcome, outcomeOf } from './transaction.ts';

/** Finding out what became of the transaction goes on after a cancel, but not for ever. */
const SETTLE_MS = 60_000;

interface Filling {
  session: Session;
  requirements: PostgresRequirements;
  globals: PostgresGlobals;
  roles: Roles;
}

/**
 * Replaces what a database holds, in the one transaction that pg_restore runs. Its archive gets an entry of ours put
 * before all others, which drops what is there: `--clean` would drop only what the archive names, fail on what depends
 * on that, and stop at what the account may leave alone (extensions, the schema `public`). A failure at any point, up
 * to the last byte of the archive, rolls all of it back.
 */
export async function restoreInPlace(input: Restoring, made: Filling): Promise<RestoreReport> {
  const { server, plan, context } = input;
  const database = plan.targetDatabase;
  const run: Run = { applicationName: `homeport restore ${randomBytes(8).toString('hex')}`, said: '' };
  try {
    const facts = await readInPlace(server, database, { needs: made.requirements, signal: context.signal });
    if ('closed' in facts) throw facts.closed;
    if (plan.endSessions) await endSessions(made.session, database);
    await using way = clearTheWay(made.session, { ...run, end: plan.endSessions, signal: context.signal });
    try {
      await fill(input, { ...made, facts, run });
    } catch (error) {
      const failure = explained(error, server, context.signal);
      if ((await settle(server, { database, ...run })) === 'committed') {
        context.log('pg_restore reported a failure after its transaction was committed.');
      } else throw asItWas(inUseBy(failure, way.holders()), database);
    }
    await analyse(server, database, context).catch(() => {}); // done is done: a cancel now comes too late
    const notes = [...made.roles.notes, ...inPlaceNotes(made, facts, run.said)];
    return { database, mode: 'in-place', notes };
  } catch (error) {
    throw await undoRoles(server, explained(error, server, context.signal), made.roles.created);
  }
}

/** One run of pg_restore, and what it left to tell it by. */
interface Run {
  applicationName: string;
  /** Number of its transaction, once that has emptied the database. */
  transaction?: string | undefined;
  /** What it wrote to stderr besides. */
  said: string;
}

async function fill(input: Restoring, made: Filling & { facts: InPlaceFacts; run: Run }): Promise<void> {
  const { server, plan, context } = input;
  const { session, facts, requirements, run } = made;
  const tool = chooseTool(input.tools, 'pg_restore', Math.max(requirements.dumpMajor, session.major));
  const cleanUp = {
    kept: requirements.leftOut,
    standing: facts.standing,
    extensions: requirements.extensions.map((one) => one.name),
    grants: plan.owners !== 'none',
    usesPublic: requirements.schemas.includes('public'),
  };
  const ended = new AbortController();
  const stays = passOver(facts);
  const atomic: Atomic = {
    prologue: (entries) => cleanUpSql(cleanUp, entries),
    passOver: (entry) => stays(entry) || (input.leaveOut?.(entry) ?? false),
    applicationName: run.applicationName,
    begun: async () => {
      run.transaction = await transactionOf(session, { ...run, signal: ended.signal });
    },
    ended: ({ stderr }) => {
      ended.abort();
      run.said = withoutCleanUp(stderr).trim();
    },
  };
  context.phase('restoring data');
  await using _ = watchWork(session, plan.targetDatabase, { context });
  context.log(
    `${toolLabel(tool)} restores into “${plan.targetDatabase}” on PostgreSQL ${session.version}, in one transaction.`,
  );
  await loadArchive({
    server,
    database: plan.targetDatabase,
    body: input.open('dump'),
    expected: input.source.catalog.objectCounts,
    owners: plan.owners,
    mapRole: (name) => made.roles.target(name) ?? name,
    switchesPartitions: requirements.switchedPartitions.length > 0,
    tool,
    target: session,
    context,
    atomic,
  });
}

/** What became of the transaction: a cancel or a broken connection may have met its COMMIT. */
async function settle(server: PostgresServer, run: Run & { database: string }): Promise<Outcome> {
  const signal = AbortSignal.timeout(SETTLE_MS);
  try {
    await using session = await connect(server, maintenanceDatabase(server), signal);
    return await outcomeOf(session, run, signal);
  } catch (error) {
    if (run.transaction === undefined) return 'aborted';
    const { failure } = explained(error, server, signal);
    throw fail(
      failure.code,
      failure.message,
      `The restore runs in one transaction; whether its last step was done could not be found out. Once the server answers, this says so: SELECT pg_xact_status('${run.transaction}'); “aborted” means that the database is as it was.`,
      { cause: error },
    );
  }
}

function inUseBy(error: FailureError, holders: readonly string[]): FailureError {
  const { failure } = error;
  if (failure.code !== 'database_in_use' || holders.length === 0) return error;
  const hint = `Locks are held by ${holders.join(', ')}. Stop what uses the database, or allow the restore to end its sessions.`;
  return new FailureError({ ...failure, hint }, { cause: error });
}

function asItWas({ failure, cause }: FailureError, database: string): FailureError {
  return new FailureError({ ...failure, hint: `${failure.hint} “${database}” is as it was.` }, { cause });
}

async function undoRoles(
  server: PostgresServer,
  error: FailureError,
  roles: readonly string[],
): Promise<FailureError> {
  if (roles.length === 0) return error;
  const { failure } = error;
  try {
    await using session = await connect(server, maintenanceDatabase(server), AbortSignal.timeout(SETTLE_MS));
    const remains = await removeRoles(session, roles);
    if (!remains) return error;
    return new FailureError({ ...failure, hint: `${failure.hint} ${remains}` }, { cause: error });
  } catch (cleanup) {
    const hint = `${failure.hint} The roles ${roles.map((role) => `“${role}”`).join(', ')} were created for it and may remain.`;
    return new FailureError({ ...failure, hint }, { cause: new AggregateError([error, cleanup]) });
  }
}
