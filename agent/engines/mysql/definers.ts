import { fail } from '../../../protocol/failure.ts';
import type { RestorePlan } from '../../../protocol/restore.ts';
import type { Looked } from './preflight-restore.ts';
import { parseAccount } from './quote.ts';
import { grantGlobal, guardedAccounts, knows, sameAccount } from './restore-rights.ts';

/**
 * Which account takes a definer's place in a restore. Only definers that the snapshot's catalog names pass: others
 * were never looked at. An account to map to must exist and is never the restoring one: what that may read, whoever
 * uses a view or routine could read.
 * @throws FailureError `invalid_input`, `privilege_missing`
 */
export function definerOf(plan: RestorePlan, { needs, facts }: Pick<Looked, 'needs' | 'facts'>) {
  const named = new Set(needs.definers.map(({ account }) => withHost(account)));
  const mapped = plan.owners === 'map' && needs.definers.length > 0 ? chosen(plan, facts) : undefined;
  return (account: string): string => {
    if (!named.has(withHost(account))) {
      throw fail(
        'manifest_invalid',
        `The dump has code that runs as “${account}”, which the snapshot’s catalog does not name.`,
        'It was not restored. Do not trust this snapshot. Restore another one.',
      );
    }
    return mapped ?? account;
  };
}

/** A role has no host; where it is read from, it may end with an `@` or not. */
const withHost = (account: string) => (account.includes('@') ? account : `${account}@`);

function chosen(plan: RestorePlan, facts: Looked['facts']): string {
  const { mapTo } = plan;
  if (mapTo === undefined || !mapTo.includes('@'))
    throw fail('invalid_input', 'No account is named to map definers to.', 'Write it as user@host.');
  if (sameAccount(mapTo, facts.account)) {
    throw fail(
      'invalid_input',
      `Definers cannot be mapped to “${mapTo}”: it is the restoring account, and whoever uses a view or routine would get its rights.`,
      'Name an account with few rights.',
    );
  }
  const { user, host } = parseAccount(mapTo);
  if (facts.accounts && !knows(facts.accounts, mapTo)) {
    throw fail(
      'invalid_input',
      `The server has no account “${mapTo}” to map definers to.`,
      `Create it, or name one that exists: CREATE USER '${user}'@'${host}' ACCOUNT LOCK makes one that nobody can log in to.`,
    );
  }
  if ((guardedAccounts([mapTo], facts)?.length ?? 0) > 0) {
    throw fail(
      'privilege_missing',
      `“${mapTo}” holds SYSTEM_USER: “${facts.account}” may make nothing that runs in its name.`,
      'Name an account with few rights.',
      { sql: grantGlobal('SYSTEM_USER', facts) },
    );
  }
  return mapTo;
}
