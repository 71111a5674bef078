import { randomBytes } from 'node:crypto';
import { FailureError, fail } from '../../../protocol/failure.ts';
import type { RestoreReport } from '../../../protocol/restore.ts';
import { listed } from '../words.ts';
import { analyse } from './analyse.ts';
import { watchWork } from './at-work.ts';
import { connect, explained, maintenanceDatabase, type Session } from './connect.ts';
import { applyProperties, createDatabase, dropDatabase, keptName, scratchName } from './database.ts';
import { type PostgresGlobals, parseGlobals } from './globals.ts';
import { restoreInPlace } from './in-place.ts';
import { loadArchive } from './load.ts';
import { preflightRestore, refuseImpossible } from './preflight-restore.ts';
import { prepareRoles, type Roles } from './prepare-roles.ts';
import { type PostgresRequirements, parseRequirements } from './requirements.ts';
import type { Restoring } from './restoring.ts';
import { removeRoles } from './roles.ts';
import { publish, swap } from './swap.ts';
import { chooseTool, toolLabel } from './tools.ts';

/** Cleaning up goes on after a cancel, but not for ever. */
const CLEANUP_MS = 60_000;
/** Two renames, and the 5 s that PostgreSQL waits for sessions to end, with much to spare. */
const EXCHANGE_MS = 60_000;

/**
 * Restores; `new` and `swap` into a database under a scratch name which gets its real name last, in one transaction: until
 * then nothing that was there before has changed, and a failure drops what was made.
 */
export async function restore(input: Restoring): Promise<RestoreReport> {
  const { server, plan, context } = input;
  const preflight = await preflightRestore({ ...input, target: plan.targetDatabase });
  refuseImpossible(preflight, plan);
  const requirements = parseRequirements(input.source.catalog.requirements);
  context.phase('reading roles and settings');
  const globals = await parseGlobals(input.open('globals'));
  await using session = await connect(server, maintenanceDatabase(server), context.signal);
  const roles = await prepareRoles(session, { plan, globals });
  if (plan.mode === 'in-place') return await restoreInPlace(input, { session, requirements, globals, roles });
  const scratch = scratchName(plan.targetDatabase, randomBytes(4).toString('hex'));
  try {
    return await fill(input, { session, requirements, globals, roles, scratch });
  } catch (error) {
    throw await undo(input, {
      error: explained(error, server, context.signal),
      scratch,
      roles: roles.created,
    });
  }
}

interface Filling {
  session: Session;
  requirements: PostgresRequirements;
  globals: PostgresGlobals;
  roles: Roles;
  scratch: string;
}

async function fill(input: Restoring, made: Filling): Promise<RestoreReport> {
  const { server, plan, context } = input;
  const { session, globals, roles, scratch } = made;
  const tool = chooseTool(input.tools, 'pg_restore', Math.max(made.requirements.dumpMajor, session.major));
  const tablespace = globals.database.tablespace;
  context.phase('creating the database');
  await context.scratch?.(scratch);
  await createDatabase(session, {
    name: scratch,
    owner: roles.target(globals.database.owner),
    locale: globals.database.locale,
    tablespace: tablespace === 'pg_default' ? undefined : tablespace,
  });
  context.phase('restoring data');
  await using _ = watchWork(session, scratch, { context });
  context.log(`${toolLabel(tool)} restores into “${scratch}” on PostgreSQL ${session.version}.`);
  await loadArchive({
    server,
    database: scratch,
    body: input.open('dump'),
    expected: input.source.catalog.objectCounts,
    owners: plan.owners,
    mapRole: (name) => roles.target(name) ?? name,
    switchesPartitions: made.requirements.switchedPartitions.length > 0,
    tool,
    target: session,
    context,
  });
  await analyse(server, scratch, context);
  context.phase(plan.mode === 'swap' ? 'swapping' : 'naming the database');
  const withheld = await applyProperties(session, scratch, {
    globals,
    finalName: plan.targetDatabase,
    role: roles.target,
  });
  const keptAs = await takeName(input, scratch);
  const notes = reportNotes(made, { withheld, keptAs });
  return { database: plan.targetDatabase, mode: plan.mode, notes, ...(keptAs ? { keptAs } : {}) };
}

/** What a report says besides that the restore worked: all that is not as it was in the backup. */
function reportNotes(
  { session, requirements, globals, roles }: Filling,
  done: { withheld: readonly string[]; keptAs: string | undefined },
): string[] {
  const notes = [...roles.notes];
  if (requirements.switchedPartitions.length > 0)
    notes.push(
      `Foreign-key triggers of ${listed(requirements.switchedPartitions)} work as their parent’s do; in the backup they were switched otherwise.`,
    );
  if (done.withheld.length > 0)
    notes.push(
      `Settings that “${session.user}” may not make; have a superuser run: ${done.withheld.join('; ')};`,
    );
  if (globals.database.isTemplate)
    notes.push('The backup was of a template. ALTER DATABASE … IS_TEMPLATE true makes it one again.');
  if (done.keptAs)
    notes.push(
      `The database that was there is kept as “${done.keptAs}”; drop it when you no longer need it.`,
    );
  return notes;
}

/**
 * The point of no return. A cancel that comes now comes too late: the exchange is over in a moment, and to stop
 * in its middle would leave nobody knowing whether it happened.
 */
async function takeName(input: Restoring, scratch: string): Promise<string | undefined> {
  const { plan, server } = input;
  input.context.signal.throwIfAborted();
  const signal = AbortSignal.timeout(EXCHANGE_MS);
  await using session = await connect(server, maintenanceDatabase(server), signal);
  const [clock] = await session.rows<{ now: Date }>('SELECT clock_timestamp() AS now');
  const taken = await session.rows<{ datname: string }>('SELECT datname FROM pg_database');
  const present = new Set(taken.map((row) => row.datname));
  const kept = keptName(plan.targetDatabase, clock?.now ?? new Date(), present);
  const names = { scratch, target: plan.targetDatabase, kept };
  try {
    if (plan.mode === 'new') await publish(session, scratch, plan.targetDatabase);
    else await swap(server, names, { session, endSessions: plan.endSessions, signal });
  } catch (error) {
    if (!(await gotItsName(input, scratch))) throw signal.aborted ? tookTooLong(plan.targetDatabase) : error;
    input.context.log('The connection broke right after the names were exchanged.');
  }
  return plan.mode === 'swap' ? kept : undefined;
}

function tookTooLong(target: string): FailureError {
  return fail(
    'database_in_use',
    `“${target}” could not take its name within ${EXCHANGE_MS / 1000} s.`,
    'Look for sessions and locks that hold it, then restore again.',
    { retryable: true },
  );
}

/** Whether a rename that seemed to fail was committed all the same: then nothing has the scratch name any more. */
async function gotItsName({ server, plan }: Restoring, scratch: string): Promise<boolean> {
  await using session = await connect(server, maintenanceDatabase(server), AbortSignal.timeout(CLEANUP_MS));
  const rows = await session.rows<{ datname: string }>(
    'SELECT datname FROM pg_database WHERE datname = ANY($1)',
    [[scratch, plan.targetDatabase]],
  );
  return rows.length === 1 && rows[0]?.datname === plan.targetDatabase;
}

/** Drops what the failed restore made; the failure says so where something had to stay. */
async function undo(
  input: Restoring,
  made: { error: FailureError; scratch: string; roles: readonly string[] },
): Promise<FailureError> {
  const { failure } = made.error;
  try {
    const signal = AbortSignal.timeout(CLEANUP_MS);
    await using session = await connect(input.server, maintenanceDatabase(input.server), signal);
    await dropDatabase(session, made.scratch);
    const remains = await removeRoles(session, made.roles);
    if (!remains) return made.error;
    return new FailureError({ ...failure, hint: `${failure.hint} ${remains}` }, { cause: made.error });
  } catch (cleanup) {
    const what = [`the database “${made.scratch}”`, ...made.roles.map((role) => `the role “${role}”`)].join(
      ', ',
    );
    const hint = `${failure.hint} Could not clean up after it: drop ${what} by hand where they exist.`;
    return new FailureError({ ...failure, hint }, { cause: new AggregateError([made.error, cleanup]) });
  }
}
