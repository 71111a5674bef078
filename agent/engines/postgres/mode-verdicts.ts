import type { RestorePreflight } from '../../../protocol/restore.ts';
import { MAX_NAME_BYTES, quoteIdent } from './quote.ts';
import type { TargetFacts } from './target.ts';

type Verdict = RestorePreflight['modes'][number];
/** Whether something is possible, why, and what would make it so. */
export type Reasoned = Omit<Verdict, 'mode'>;

/** Which restore modes are possible for `target`, and why not; `in-place` is judged elsewhere. */
export function modeVerdicts(
  target: string,
  facts: TargetFacts,
  more: { maintenance: string; inPlace: Reasoned },
): Verdict[] {
  return [
    { mode: 'new', ...newVerdict(target, facts) },
    { mode: 'swap', ...swapVerdict(target, facts, more.maintenance) },
    { mode: 'in-place', ...more.inPlace },
  ];
}

export const no = (reason: string, sql?: string): Reasoned => ({
  possible: false,
  reason,
  ...(sql ? { sql } : {}),
});

function tooLong(target: string): Reasoned | undefined {
  const bytes = Buffer.byteLength(target);
  return bytes > MAX_NAME_BYTES
    ? no(`The name is ${bytes} bytes long; PostgreSQL keeps ${MAX_NAME_BYTES}.`)
    : undefined;
}

const createDatabase = (facts: TargetFacts) => `ALTER ROLE ${quoteIdent(facts.user)} CREATEDB;`;

function newVerdict(target: string, facts: TargetFacts): Reasoned {
  const long = tooLong(target);
  if (long) return long;
  if (facts.database) return no(`A database named “${target}” exists.`);
  if (!facts.createDatabase) return no(`“${facts.user}” may not create databases.`, createDatabase(facts));
  return { possible: true, reason: `Creates “${target}”. Nothing that exists is touched.` };
}

function swapVerdict(target: string, facts: TargetFacts, maintenance: string): Reasoned {
  const { database } = facts;
  const long = tooLong(target);
  if (long) return long;
  if (!database) return no(`There is no database “${target}” to exchange.`);
  if (target === maintenance) {
    return no(
      `“${target}” is the database that the agent itself logs in to. Name another one as maintenance database in the server’s settings.`,
    );
  }
  if (database.template) return no(`“${target}” is a template, or takes no connections.`);
  if (!facts.createDatabase || !database.owned) {
    const lacks = [
      ...(facts.createDatabase ? [] : ['may not create databases']),
      ...(database.owned ? [] : [`does not own “${target}”`]),
    ];
    const sql = [
      ...(facts.createDatabase ? [] : [createDatabase(facts)]),
      ...(database.owned ? [] : [`ALTER DATABASE ${quoteIdent(target)} OWNER TO ${quoteIdent(facts.user)};`]),
    ];
    return no(`“${facts.user}” ${lacks.join(' and ')}.`, sql.join('\n'));
  }
  if (database.prepared > 0)
    return no(`“${target}” has ${database.prepared} prepared transactions; commit or roll them back first.`);
  const slots =
    database.slots > 0 ? ` Its ${database.slots} replication slots stay with the old database.` : '';
  const rights =
    database.sessions > 0 && !facts.signal
      ? ` “${facts.user}” can end only its own sessions: GRANT pg_signal_backend lets it end all.`
      : '';
  return {
    possible: true,
    reason: `Restores beside “${target}” and exchanges the names; the present one is kept.${slots}${rights}`,
  };
}
