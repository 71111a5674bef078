import { FailureError, fail } from '../../../protocol/failure.ts';
import type { RestorePlan, RestoreReport } from '../../../protocol/restore.ts';
import type { OperationContext, RestoreSource, StreamOpener } from '../driver.ts';
import { listed } from '../words.ts';
import { type Catalogue, countKinds, readCatalogue } from './catalogue.ts';
import { connect, explained, type MysqlServer, type Session } from './connect.ts';
import { createDatabase, dropDatabase, endSession, MARK, removeMark } from './database.ts';
import { definerOf } from './definers.ts';
import type { Flavour } from './flavour.ts';
import { emptyDatabase, incomplete } from './in-place.ts';
import { load } from './load.ts';
import { foldName } from './names.ts';
import { type Looked, lookAtTarget, refuseImpossible } from './preflight-restore.ts';
import { quoteAccount, quoteIdent } from './quote.ts';
import { longestStatement } from './rewrite.ts';
import type { Made } from './rewrite-statement.ts';

/** Of as many events a note shows the statement that lets them run. */
const SHOWN = 3;
/** Cleaning up goes on after a cancel, but not for ever. */
const CLEANUP_MS = 120_000;

export interface Restoring {
  server: MysqlServer;
  flavour: Flavour;
  plan: RestorePlan;
  source: RestoreSource;
  open: StreamOpener;
  context: OperationContext;
}

/** Restores into a new database, which a failure drops again, or in place, where a failure leaves a part. */
export async function restore(input: Restoring): Promise<RestoreReport> {
  const { server, context, flavour } = input;
  const looked = await lookAtTarget({ ...input, target: input.plan.targetDatabase });
  refuseImpossible(looked.preflight, input.plan);
  const definer = definerOf(input.plan, looked);
  await using control = await connect(server, flavour, { signal: context.signal });
  try {
    const plan = { ...input.plan, targetDatabase: looked.facts.name };
    const work = { ...input, plan, looked, definer, control };
    return plan.mode === 'new' ? await restoreNew(work) : await restoreInPlace(work);
  } catch (error) {
    throw explained(error, server, context.signal);
  }
}

interface Work extends Restoring {
  looked: Looked;
  definer: (account: string) => string;
  control: Session;
}

async function restoreNew(work: Work): Promise<RestoreReport> {
  const { plan, context, control, looked } = work;
  const name = plan.targetDatabase;
  context.phase('creating the database');
  await context.scratch?.(name);
  await createDatabase(control, name, looked.needs);
  try {
    const made = await fill(work, []);
    await verify(work, made);
    const notes = await finishEvents(work, made);
    await removeMark(control, name);
    return {
      database: name,
      mode: plan.mode,
      notes: [...notes, ...leftOutNotes(made), ...namesNotes(work, made), ...ownerNotes(work)],
    };
  } catch (error) {
    throw await undo(work, explained(error, work.server, context.signal));
  }
}

async function restoreInPlace(work: Work): Promise<RestoreReport> {
  const { plan, context, control, looked } = work;
  context.phase('locking tables');
  const emptied = await emptyDatabase({
    ...{ session: control, plan, needs: looked.needs, context },
    foldsNames: looked.facts.lowerCaseTableNames > 0,
  });
  try {
    const made = await fill(work, emptied.kept);
    await verify(work, made);
    const notes = await finishEvents(work, made);
    if (emptied.kept.length > 0)
      notes.push(`Left as they are, since the snapshot has no rows of theirs: ${listed(emptied.kept)}.`);
    if (emptied.dropped.length > 0)
      notes.push(`Dropped, since the snapshot does not hold it: ${listed(emptied.dropped)}.`);
    return {
      database: plan.targetDatabase,
      mode: plan.mode,
      notes: [...notes, ...leftOutNotes(made), ...namesNotes(work, made), ...ownerNotes(work)],
    };
  } catch (error) {
    throw incomplete(explained(error, work.server, context.signal), plan);
  }
}

/** Runs the dump. However it ends, nothing of it runs on at the server. */
async function fill(work: Work, keptTables: readonly string[]): Promise<Made> {
  const { server, flavour, context, control, looked } = work;
  const { facts, needs } = looked;
  context.phase('restoring data');
  context.log(`Restores into “${work.plan.targetDatabase}” on ${flavour} ${control.version}.`);
  await using session = await connect(server, flavour, { signal: context.signal, bytes: true });
  const [row] = await session.rows<{ id: string }>('SELECT CONNECTION_ID() AS id');
  try {
    return await load({
      session,
      control,
      body: work.open('dump'),
      terms: {
        target: facts,
        database: work.plan.targetDatabase,
        source: needs.database,
        maxStatement: longestStatement(facts.maxAllowedPacket),
        definer: work.definer,
        keptTables: new Set(keptTables.map(facts.lowerCaseTableNames > 0 ? foldName : String)),
        mark: MARK,
        foldsNames: facts.lowerCaseTableNames > 0,
        engines: new Set(needs.engines.map((engine) => engine.toLowerCase())),
      },
      context,
    });
  } catch (error) {
    await endLeft(work, row?.id ?? '0');
    throw error;
  }
}

/** A statement goes on at the server after its connection is cut, and would hold what is to be dropped. */
async function endLeft({ server, flavour, context }: Work, id: string): Promise<void> {
  try {
    await using session = await connect(server, flavour, { signal: AbortSignal.timeout(CLEANUP_MS) });
    await endSession(session, id);
  } catch {
    // Out of reach: the failure that led here says why, and dropping what was made meets it again.
    context.log(`The restore’s session ${id} could not be ended at the server.`);
  }
}

/** What was made must be what the catalog promises, and be there. */
async function verify(work: Work, made: Made): Promise<void> {
  const { source, plan, control } = work;
  work.context.phase('checking');
  const differing = differences(source.catalog.objectCounts, made.counts);
  for (const { name, rows } of source.catalog.tables ?? []) {
    if ((made.rows.get(name) ?? 0) !== rows) differing.push(`rows of “${name}”`);
  }
  if (differing.length > 0) {
    throw fail(
      'manifest_invalid',
      `The dump and the snapshot’s catalog differ in ${differing.slice(0, 20).join(', ')}.`,
      'Do not trust this snapshot. Restore another one.',
    );
  }
  const catalogue = await readCatalogue(control, plan.targetDatabase);
  const own = { ...catalogue, relations: catalogue.relations.filter(({ name }) => name !== MARK) };
  dropLapsed(made, own);
  const there = countKinds(own);
  const lacking = Object.entries(made.counts).filter(
    ([kind, count]) => (there[kind as keyof typeof there] ?? 0) < count,
  );
  if (lacking.length === 0) return;
  throw fail(
    'restore_sql_error',
    `After the restore the database lacks some of its ${lacking.map(([kind]) => kind).join(', ')}s, or “${control.account}” may not see them.`,
    'Look into the server’s log around this time.',
  );
}

/** An event whose time has passed, the server takes and does not make, unless it is to be preserved. */
function dropLapsed(made: Made, { programs }: Catalogue): void {
  const there = new Set(programs.filter(({ kind }) => kind === 'event').map(({ name }) => name));
  made.lapsing = made.lapsing.filter((name) => !there.has(name));
  made.enabledEvents = made.enabledEvents.filter(({ name }) => !made.lapsing.includes(name));
  if (made.counts.event) made.counts.event -= made.lapsing.length;
}

function differences(
  expected: Readonly<Record<string, number>>,
  found: Readonly<Record<string, number>>,
): string[] {
  const kinds = new Set([...Object.keys(expected), ...Object.keys(found)]);
  return [...kinds].filter((kind) => (expected[kind] ?? 0) !== (found[kind] ?? 0));
}

/** What the dump has and the target, for good reason, has not. */
function leftOutNotes({ lapsing, relocated }: Made): string[] {
  return [
    ...(lapsing.length > 0 ? [`Not made, since their time has passed: the events ${listed(lapsing)}.`] : []),
    ...(relocated.length > 0
      ? [
          `In the server’s own directory, not where the backed-up server had them: the tables ${listed(relocated)}.`,
        ]
      : []),
  ];
}

/** What still refers to the dumped database after a restore under another name. */
function namesNotes({ plan, looked }: Work, { namesSource }: Made): string[] {
  const { database } = looked.needs;
  if (plan.targetDatabase === database || namesSource.length === 0) return [];
  return [
    `These name “${database}” and go on using that database, not “${plan.targetDatabase}”: ${listed(namesSource)}.`,
  ];
}

/**
 * Events were made disabled; those that were not are enabled now, if that is wanted. Each with its definer: an ALTER
 * EVENT without one would make the restoring account, often root, the one it runs as.
 */
async function finishEvents({ plan, control }: Work, made: Made): Promise<string[]> {
  const { enabledEvents } = made;
  if (enabledEvents.length === 0) return [];
  const names = listed(enabledEvents.map(({ name }) => name));
  const enable = ({ name, definer }: { name: string; definer: string }) =>
    `ALTER DEFINER = ${quoteAccount(definer)} EVENT ${quoteIdent(plan.targetDatabase)}.${quoteIdent(name)} ENABLE`;
  if (!plan.switches?.includes('enable-events')) {
    const sql = enabledEvents.slice(0, SHOWN).map((event) => `${enable(event)};`);
    return [
      `Events are disabled: ${names}. Each runs again after ALTER EVENT with its definer, without which it would run as you: ${sql.join(' ')}`,
    ];
  }
  for (const event of enabledEvents) await control.run(enable(event));
  return [`Events run again: ${names}.`];
}

function ownerNotes({ plan, looked }: Work): string[] {
  const { definers } = looked.needs;
  if (plan.owners !== 'map' || definers.length === 0) return [];
  return [`“${plan.mapTo}” stands in for ${listed(definers.map(({ account }) => account))}.`];
}

/** Drops what the failed restore made; the failure says so where it had to stay. */
async function undo(work: Work, error: FailureError): Promise<FailureError> {
  const { server, flavour, plan } = work;
  try {
    await using session = await connect(server, flavour, { signal: AbortSignal.timeout(CLEANUP_MS) });
    await dropDatabase(session, plan.targetDatabase);
    const hint = `What the restore had made is gone again. ${error.failure.hint}`;
    return new FailureError({ ...error.failure, hint }, { cause: error });
  } catch (cleanup) {
    const hint = `${error.failure.hint} Could not clean up after it: drop the database “${plan.targetDatabase}” by hand.`;
    // The same again would find the name taken.
    const failure = { ...error.failure, hint, retryable: false };
    return new FailureError(failure, { cause: new AggregateError([error, cleanup]) });
  }
}
