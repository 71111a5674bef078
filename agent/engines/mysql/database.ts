import { inDatabase } from './catalogue.ts';
import type { Session } from './connect.ts';
import { quoteIdent, quoteLiteral } from './quote.ts';
import type { MysqlRequirements } from './requirements.ts';

/**
 * A table that a database has as long as a restore of ours fills it. Neither product can rename a database, so it has
 * its real name from the start, and this tells it from a finished one: what may be dropped without asking.
 */
export const MARK = '_homeport_unfinished';

/** Creates an empty database as the backed-up one was, marked as unfinished. */
export async function createDatabase(
  session: Session,
  name: string,
  needs: MysqlRequirements,
): Promise<void> {
  const ident = quoteIdent(name);
  const comment = needs.comment === '' ? '' : ` COMMENT ${quoteLiteral(needs.comment)}`;
  await session.run(`CREATE DATABASE ${ident} ${defaults(needs)}${comment}`);
  await session.run(
    `CREATE TABLE ${ident}.${quoteIdent(MARK)} (id INT PRIMARY KEY) COMMENT 'Homeport: restore in progress, the database is safe to drop'`,
  );
}

/** Gives a database that exists the defaults of the backed-up one. */
export async function alterDefaults(session: Session, name: string, needs: MysqlRequirements): Promise<void> {
  await session.run(`ALTER DATABASE ${quoteIdent(name)} ${defaults(needs)}`);
}

function defaults(needs: MysqlRequirements): string {
  return `CHARACTER SET ${quoteIdent(needs.charset)} COLLATE ${quoteIdent(needs.collation)}`;
}

/** The restore is finished: from now on the database is its users'. */
export async function removeMark(session: Session, name: string): Promise<void> {
  await session.run(`DROP TABLE ${quoteIdent(name)}.${quoteIdent(MARK)}`);
}

/** Whether a database is there, and whether a restore of ours left it unfinished. */
export async function readMark(session: Session, name: string): Promise<'absent' | 'unmarked' | 'marked'> {
  const [database] = await session.rows<{ marked: string | number }>(
    `SELECT EXISTS (SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = SCHEMA_NAME AND TABLE_NAME = ?) AS marked
     FROM information_schema.SCHEMATA WHERE ${inDatabase('SCHEMA_NAME')}`,
    [MARK, name, name],
  );
  if (!database) return 'absent';
  return Number(database.marked) === 1 ? 'marked' : 'unmarked';
}

/** Drops a database that a restore of ours made. */
export async function dropDatabase(session: Session, name: string): Promise<void> {
  await session.run(`DROP DATABASE IF EXISTS ${quoteIdent(name)}`);
}

/** Ends a session of ours that a statement may still keep busy; one that is gone already is what we want. */
export async function endSession(session: Session, id: string): Promise<void> {
  try {
    await session.run(`KILL ${Number(id)}`);
  } catch (error) {
    const gone = 1094;
    if ((error as { cause?: { errno?: number } }).cause?.errno !== gone) throw error;
  }
}
