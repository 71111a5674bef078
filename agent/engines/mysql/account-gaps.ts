import type { Finding } from '../../../protocol/restore.ts';
import { listed } from '../words.ts';
import type { Catalogue } from './catalogue.ts';
import type { Session } from './connect.ts';
import { type Grant, grantOn, hidden, holds } from './grants.ts';
import { quoteAccount } from './quote.ts';

/**
 * What the account lacks for what the database holds, each with its GRANT. Where the server hides objects from the
 * account nobody can tell whether there are any: that is a warning, for the dump would pass over them.
 */
export function accountGaps(
  session: Session,
  database: string,
  facts: { catalogue: Catalogue; grants: readonly Grant[] },
): Finding[] {
  const { catalogue, grants } = facts;
  const account = quoteAccount(session.account);
  const grant = (privilege: string) => grantOn([privilege], database, { account: session.account, grants });
  const routines =
    session.flavour === 'mysql'
      ? `GRANT SHOW_ROUTINE ON *.* TO ${account};`
      : `GRANT SELECT ON mysql.proc TO ${account};`;
  const hiddenKinds = session.flavour === 'mysql' ? 'routines and libraries' : 'routines';
  const hint = 'Run this as an administrator.';
  const unseen = new Set(hidden(grants, session, database));
  const findings: Finding[] = [];
  const add = (severity: Finding['severity'], code: string, message: string, sql: string) =>
    findings.push({ severity, code, message, hint, sql });
  const who = `“${session.account}”`;
  if (unseen.has('table')) {
    const message = `${who} may not read every table of “${database}”: those it may not read would be missing, or make the dump fail.`;
    add('blocker', 'table_unreadable', message, grant('SELECT'));
  }
  if (catalogue.views.length > 0 && !holds(grants, 'SHOW VIEW', database)) {
    const views = listed(catalogue.views.map((view) => view.name));
    add(
      'blocker',
      'view_unreadable',
      `${who} may not read the definitions of views: ${views}.`,
      grant('SHOW VIEW'),
    );
  }
  if (!holds(grants, 'EVENT', database)) {
    const message = `${who} may not look for events in “${database}”; the dump would fail.`;
    add('blocker', 'event_unreadable', message, grant('EVENT'));
  }
  const unreadable = catalogue.programs.filter((one) => !one.readable).map((one) => one.name);
  if (unreadable.length > 0) {
    const message = `${who} may not read the text of ${listed(unreadable)}; the dump would fail.`;
    add('blocker', 'routine_unreadable', message, routines);
  } else if (unseen.has('routine')) {
    const message = `The server hides ${hiddenKinds} from ${who}: if other accounts made any in “${database}”, they are not in the backup.`;
    add('warning', 'routines_hidden', message, routines);
  }
  if (unseen.has('trigger')) {
    const message = `The server hides triggers from ${who}: if “${database}” has any, they are not in the backup.`;
    add('warning', 'triggers_hidden', message, grant('TRIGGER'));
  }
  return findings;
}
