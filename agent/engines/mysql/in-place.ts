import { FailureError, fail } from '../../../protocol/failure.ts';
import type { RestorePlan } from '../../../protocol/restore.ts';
import type { OperationContext } from '../driver.ts';
import { type Catalogue, type Relation, readCatalogue } from './catalogue.ts';
import type { Session } from './connect.ts';
import { alterDefaults } from './database.ts';
import { heldKeys, objectKey } from './names.ts';
import { quoteIdent } from './quote.ts';
import type { MysqlRequirements, ObjectKind } from './requirements.ts';
import { sessionsOn } from './target.ts';

/** How long to wait for tables that others use, in seconds. */
const LOCK_WAIT_S = 15;

/** A database to be filled. */
interface Target {
  catalogue: Catalogue;
  /** Whether case does not count in the server’s names of tables. */
  foldsNames: boolean;
}

/** Tables of the target, by its own names, that stay as they are: the snapshot has no rows of theirs. */
export function keptTables(needs: MysqlRequirements, { catalogue, foldsNames }: Target): string[] {
  const keyOf = (name: string) => objectKey('table', name, foldsNames);
  const excluded = new Set(needs.excludedTables.map(keyOf));
  const partial = excluded.size > 0;
  const held = heldKeys(needs, foldsNames);
  // With a selection, tables that the snapshot does not know at all were none of its business either.
  return catalogue.relations
    .filter(({ kind }) => kind === 'table')
    .filter(
      ({ name }) =>
        excluded.has(keyOf(name)) || (partial && needs.objects !== null && !held.has(keyOf(name))),
    )
    .map(({ name }) => name);
}

/** What the target has and will lose; compared with the snapshot, where that lists what it holds. */
export function inPlaceDrops(
  needs: MysqlRequirements,
  target: Target,
): { names: string[]; compared: boolean } {
  const { catalogue, foldsNames } = target;
  const kept = new Set(keptTables(needs, target));
  const held = heldKeys(needs, foldsNames);
  const names = [...catalogue.relations, ...catalogue.programs]
    .filter((one) => one.kind !== 'trigger' || needs.excludedTables.length === 0)
    .filter(({ kind, name }) => kind !== 'table' || !kept.has(name))
    .filter(({ kind, name }) => !held.has(objectKey(kind, name, foldsNames)))
    .map(({ kind, name }) => `${kind} ${name}`);
  return { names, compared: needs.objects !== null };
}

interface Emptying {
  session: Session;
  plan: RestorePlan;
  needs: MysqlRequirements;
  /** Whether case does not count in the server’s names of tables. */
  foldsNames: boolean;
  context: OperationContext;
}

/**
 * Drops what a restore in place replaces. The objects, never the database: an account that may not create one could
 * not make it again, and it would lose what only it has (its encryption, its default character set). Everything is
 * locked first, so that a table in use is met while nothing has changed.
 */
export async function emptyDatabase(input: Emptying): Promise<{ kept: string[]; dropped: string[] }> {
  const { session, plan, needs, foldsNames, context } = input;
  const target = plan.targetDatabase;
  const catalogue = await readCatalogue(session, target);
  const kept = keptTables(needs, { catalogue, foldsNames });
  const dropped = inPlaceDrops(needs, { catalogue, foldsNames });
  if (plan.endSessions) await endSessions(session, target, context);
  await session.run(`SET SESSION lock_wait_timeout = ${LOCK_WAIT_S}, foreign_key_checks = 0`);
  await session.run(`USE ${quoteIdent(target)}`);
  const tables = catalogue.relations.filter(({ kind, name }) => kind === 'table' && !kept.includes(name));
  const names = tables.map(({ name }) => name);
  await lock(session, target, names);
  context.phase('dropping');
  try {
    await dropAll(session, catalogue, tables);
    await alterDefaults(session, target, needs);
  } catch (error) {
    throw incomplete(error, plan, 'it was being emptied, and nothing of the snapshot is in it yet');
  }
  return { kept, dropped: dropped.compared ? dropped.names : [] };
}

/** A failure after the first DROP, with the state of the target in its hint. */
export function incomplete(
  error: unknown,
  { targetDatabase }: RestorePlan,
  state = 'what was in it was dropped, and only a part of the snapshot is there',
): unknown {
  if (!(error instanceof FailureError)) return error;
  const hint = `“${targetDatabase}” is incomplete now: ${state}. Restore the safety snapshot or another one to it. ${error.failure.hint}`;
  return new FailureError({ ...error.failure, hint, retryable: false }, { cause: error });
}

async function endSessions(session: Session, target: string, context: OperationContext): Promise<void> {
  for (const id of await sessionsOn(session, target)) {
    try {
      await session.run(`KILL ${Number(id)}`);
    } catch (error) {
      const number = (error as { cause?: { errno?: number } }).cause?.errno;
      if (number === 1095) context.log(`Session ${id} belongs to another account and could not be ended.`);
      else if (number !== 1094) throw error; // 1094: it is gone already
    }
  }
}

async function lock(session: Session, target: string, tables: readonly string[]): Promise<void> {
  if (tables.length === 0) return;
  try {
    await session.run(`LOCK TABLES ${tables.map((name) => `${quoteIdent(name)} WRITE`).join(', ')}`);
  } catch (error) {
    // Where GTIDs are consistent, tables with and without transactions cannot be locked at a time: then none are.
    if ((error as { cause?: { errno?: number } }).cause?.errno === 1785) return;
    if (!(error instanceof FailureError) || error.failure.code !== 'database_in_use') throw error;
    throw fail(
      'database_in_use',
      `Somebody uses tables of “${target}”: they could not be locked within ${LOCK_WAIT_S} s.`,
      'Nothing was changed. Stop what uses it, or let the restore end its sessions.',
      { retryable: true, cause: error },
    );
  }
}

/** What is dropped besides tables, in this order. */
const WORDS: Partial<Record<ObjectKind, string>> = {
  event: 'EVENT',
  view: 'VIEW',
  function: 'FUNCTION',
  procedure: 'PROCEDURE',
  library: 'LIBRARY',
  sequence: 'SEQUENCE',
};

/** Tables while they are locked, with their triggers; then all that no lock protects. */
async function dropAll(session: Session, catalogue: Catalogue, tables: readonly Relation[]): Promise<void> {
  const all = [...catalogue.programs, ...catalogue.relations];
  const mixed = tables.some((one) => one.engine?.toLowerCase() !== 'innodb');
  // MySQL with GTIDs drops nothing while tables without transactions are locked: those locks were a look only.
  if (mixed && session.flavour === 'mysql') await session.run('UNLOCK TABLES');
  for (const { name } of tables) await session.run(`DROP TABLE ${quoteIdent(name)}`);
  await session.run('UNLOCK TABLES');
  for (const [kind, word] of Object.entries(WORDS)) {
    for (const { name } of all.filter((one) => one.kind === kind))
      await session.run(`DROP ${word} IF EXISTS ${quoteIdent(name)}`);
  }
  const packages = all.filter(({ kind }) => kind === 'package');
  await dropPackages(
    session,
    packages.map(({ name }) => name),
  );
}

/** MariaDB drops packages, bodies with them, in the sql_mode that they are made in. */
async function dropPackages(session: Session, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await session.run(`SET @homeport_sql_mode = @@SESSION.sql_mode, SESSION sql_mode = 'ORACLE'`);
  for (const name of names) await session.run(`DROP PACKAGE IF EXISTS ${quoteIdent(name)}`);
  await session.run('SET SESSION sql_mode = @homeport_sql_mode');
}
