import type { Created, Span } from './dump-creates.ts';
import { quoteAccount, quoteIdent } from './quote.ts';

interface Move {
  /** Name of the database that was dumped. */
  source: string;
  /** Name of the one that is filled. */
  database: string;
}
type Change = Span & { by: string };

/** A table or sequence for the database that is filled, with its files where the target's server has its own. */
export function tableSql(created: Created, resolved: Buffer, move: Move): string {
  const directories = (created.directories ?? []).map((span) => ({ ...span, by: '' }));
  return changed(resolved, [...moved(created, move), ...directories]);
}

/** A view or program that runs as `account`; an event waits, disabled. */
export function programSql(created: Created, resolved: Buffer, how: Move & { account: string }): string {
  const { definer, enabled, qualifiers = [] } = created;
  const another = definer && definer.account !== how.account ? [definer] : [];
  return changed(resolved, [
    ...another.map((span) => ({ ...span, by: `${latin1(`DEFINER=${quoteAccount(how.account)}`)} ` })),
    ...(enabled ? [{ ...enabled, by: 'DISABLE' }] : []),
    ...qualifiers.map((span) => ({ ...span, by: '' })),
    ...moved(created, how),
  ]);
}

/** Sequences and libraries of the dumped database are now in the one that is filled. */
function moved({ within = [] }: Created, { source, database }: Move): Change[] {
  const by = latin1(quoteIdent(database));
  return within.filter((one) => one.database === source).map(({ start, end }) => ({ start, end, by }));
}

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

/** A statement as latin1, with parts replaced. */
function changed(statement: Buffer, changes: readonly Change[]): string {
  let sql = '';
  let from = 0;
  for (const { start, end, by } of changes.toSorted((one, other) => one.start - other.start)) {
    sql += statement.toString('latin1', from, start) + by;
    from = end;
  }
  return sql + statement.toString('latin1', from);
}
