import { FailureError, fail } from '../../../protocol/failure.ts';
import type { RestorePlan, RestoreReport } from '../../../protocol/restore.ts';
import type { OperationContext, RestoreSource, StreamOpener } from '../driver.ts';
import { countKinds, readCatalogue } from './catalogue.ts';
import { connect, explained, type MysqlServer, type Session } from './connect.ts';
import { createDatabase, dropDatabase, endSession, MARK, removeMark } from './database.ts';
import { definerOf } from './definers.ts';
import type { Flavour } from './flavour.ts';
import { emptyDatabase, incomplete } from './in-place.ts';
import { load } from './load.ts';
import { type Looked, lookAtTarget, refuseImpossible } from './preflight-restore.ts';
import { listed, quoteIdent } from './quote.ts';
import { longestStatement } from './rewrite.ts';
import type { Made } from './rewrite-statement.ts';

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
  const { server, plan, context, flavour } = input;
  const looked = await lookAtTarget({ ...input, target: plan.targetDatabase });
  refuseImpossible(looked.preflight, plan);
  const definer = definerOf(plan, looked);
  await using control = await connect(server, flavour, { signal: context.signal });
  try {
    const work = { ...input, looked, definer, control };
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
      notes: [...notes, ...namesNotes(work, made), ...ownerNotes(work)],
    };
  } catch (error) {
    throw await undo(work, explained(error, work.server, context.signal));
  }
}

async function restoreInPlace(work: Work): Promise<RestoreReport> {
  const { plan, context, control, looked } = work;
  context.phase('locking tables');
  const emptied = await emptyDatabase({ session: control, plan, needs: looked.needs, context });
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
      notes: [...notes, ...namesNotes(work, made), ...ownerNotes(work)],
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
        keptTables: new Set(keptTables),
        mark: MARK,
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

function differences(
  expected: Readonly<Record<string, number>>,
  found: Readonly<Record<string, number>>,
): string[] {
  const kinds = new Set([...Object.keys(expected), ...Object.keys(found)]);
  return [...kinds].filter((kind) => (expected[kind] ?? 0) !== (found[kind] ?? 0));
}

/** What still refers to the dumped database after a restore under another name. */
function namesNotes({ plan, looked }: Work, { namesSource }: Made): string[] {
  const { database } = looked.needs;
  if (plan.targetDatabase === database || namesSource.length === 0) return [];
  return [
    `These name “${database}” and go on using that database, not “${plan.targetDatabase}”: ${listed(namesSource)}.`,
  ];
}

/** Events were made disabled; those that were not are enabled now, if that is wanted. */
async function finishEvents({ plan, control }: Work, made: Made): Promise<string[]> {
  if (made.enabledEvents.length === 0) return [];
  if (!plan.switches?.includes('enable-events'))
    return [`Events are disabled: ${listed(made.enabledEvents)}. ALTER EVENT … ENABLE lets each run.`];
  for (const name of made.enabledEvents)
    await control.run(`ALTER EVENT ${quoteIdent(plan.targetDatabase)}.${quoteIdent(name)} ENABLE`);
  return [`Events run again: ${listed(made.enabledEvents)}.`];
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
    return error;
  } catch (cleanup) {
    const hint = `${error.failure.hint} Could not clean up after it: drop the database “${plan.targetDatabase}” by hand.`;
    return new FailureError({ ...error.failure, hint }, { cause: new AggregateError([error, cleanup]) });
  }
}
