import type { RestorePreflight } from '../../../protocol/restore.ts';
import { listed } from './quote.ts';
import type { MysqlRequirements } from './requirements.ts';
import {
  definerPrivilege,
  foreignDefiners,
  grantGlobal,
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
  if (!mayDefine(facts)) {
    return no(
      `“${facts.account}” may make nothing that runs as ${listed(foreign)}.`,
      grantGlobal(definerPrivilege(facts), facts),
    );
  }
  const missing = missingDefiners(needs, facts);
  if (missing.length > 0 && !mayDefineAbsent(facts)) {
    return no(
      `The server has no account ${listed(missing)}, and “${facts.account}” may not name ones that do not exist.`,
      grantGlobal('ALLOW_NONEXISTENT_DEFINER', facts),
    );
  }
  return { possible: true, reason: `Everything runs as it did: ${listed(foreign)}.` };
}

function map(needs: MysqlRequirements, facts: TargetFacts): Reasoned {
  if (needs.definers.length === 0) return { possible: true, reason: 'Nothing runs in any account’s name.' };
  if (!mayDefine(facts)) {
    return no(
      `“${facts.account}” may make nothing that runs as another account.`,
      grantGlobal(definerPrivilege(facts), facts),
    );
  }
  if (!facts.accounts) {
    return no(
      `“${facts.account}” may not read which accounts the server has, and so cannot tell whether the one you name exists.`,
      grantGlobal('SELECT', facts).replace('*.*', 'mysql.user'),
    );
  }
  return { possible: true, reason: 'An account of your choice stands in for all of them.' };
}
