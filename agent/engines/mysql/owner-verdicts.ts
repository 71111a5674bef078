import type { RestorePreflight } from '../../../protocol/restore.ts';
import { listed } from '../words.ts';
import type { MysqlRequirements } from './requirements.ts';
import {
  definerPrivilege,
  foreignDefiners,
  grantAccounts,
  grantGlobal,
  guardedAccounts,
  mayDefine,
  mayDefineAbsent,
  missingDefiners,
} from './restore-rights.ts';
import type { TargetFacts } from './target.ts';

type Verdict = RestorePreflight['ownerChoices'][number];
type Reasoned = Omit<Verdict, 'choice'>;

/** Which choices of definers are possible, and why not. They are never made the restoring account. */
export function ownerVerdicts(needs: MysqlRequirements, facts: TargetFacts): Verdict[] {
  return [
    { choice: 'keep', ...keep(needs, facts) },
    { choice: 'map', ...map(needs, facts) },
  ];
}

const no = (reason: string, sql: string): Reasoned => ({ possible: false, reason, sql });

function keep(needs: MysqlRequirements, facts: TargetFacts): Reasoned {
  const foreign = foreignDefiners(needs, facts);
  if (foreign.length === 0) return { possible: true, reason: 'Nothing runs in another account’s name.' };
  const who = `“${facts.account}”`;
  const lacking: [privilege: string, reason: string][] = [];
  if (!mayDefine(facts))
    lacking.push([definerPrivilege(facts), `${who} may make nothing that runs as ${listed(foreign)}.`]);
  const guarded = guardedAccounts(foreign, facts);
  if (guarded && guarded.length > 0)
    lacking.push([
      'SYSTEM_USER',
      `${listed(guarded)} holds SYSTEM_USER: only who holds it too may make what runs in such a name.`,
    ]);
  const missing = missingDefiners(needs, facts);
  if (missing.length > 0 && !mayDefineAbsent(facts))
    lacking.push([
      'ALLOW_NONEXISTENT_DEFINER',
      `The server has no account ${listed(missing)}, and ${who} may not name ones that do not exist.`,
    ]);
  const unknown = guarded === undefined || (facts.accounts === undefined && !mayDefineAbsent(facts));
  if (lacking.length === 0 && !unknown)
    return { possible: true, reason: `Everything runs as it did: ${listed(foreign)}.` };
  const privileges = lacking.map(([privilege]) => privilege);
  return no(
    [...lacking.map(([, reason]) => reason), ...(unknown ? [unreadable(facts)] : [])].join(' '),
    [
      ...(privileges.length > 0 ? [grantGlobal(privileges.join(', '), facts)] : []),
      ...(unknown ? [grantAccounts(facts)] : []),
    ].join('\n'),
  );
}

function unreadable(facts: TargetFacts): string {
  const which = facts.flavour === 'mysql' ? ', and which of them hold SYSTEM_USER' : '';
  return `“${facts.account}” may not read which accounts the server has${which}: it cannot tell what making things in their names takes.`;
}

function map(needs: MysqlRequirements, facts: TargetFacts): Reasoned {
  if (needs.definers.length === 0) return { possible: true, reason: 'Nothing runs in any account’s name.' };
  const lacks = !mayDefine(facts);
  const unknown = !facts.accounts || !facts.systemUsers;
  if (!lacks && !unknown)
    return { possible: true, reason: 'An account of your choice stands in for all of them.' };
  const reasons = [
    ...(lacks ? [`“${facts.account}” may make nothing that runs as another account.`] : []),
    ...(unknown
      ? [
          `“${facts.account}” may not read which accounts the server has, and so cannot tell whether the one you name exists.`,
        ]
      : []),
  ];
  const sql = [
    ...(lacks ? [grantGlobal(definerPrivilege(facts), facts)] : []),
    ...(unknown ? [grantAccounts(facts)] : []),
  ];
  return no(reasons.join(' '), sql.join('\n'));
}
