import { type Grant, heldGlobally, holds } from './grants.ts';
import { parseAccount, quoteAccount } from './quote.ts';
import type { MysqlRequirements, ObjectKind } from './requirements.ts';
import type { TargetFacts } from './target.ts';

/** Whether the account holds one of the privileges on the whole server. */
export function holdsGlobally(grants: readonly Grant[], ...privileges: string[]): boolean {
  const held = heldGlobally(grants);
  return held.has('ALL PRIVILEGES') || privileges.some((privilege) => held.has(privilege));
}

/** What each kind of object takes to be made anew, dropping one that is there included. */
const NEEDED: Record<ObjectKind, readonly string[]> = {
  table: ['CREATE', 'DROP', 'INSERT', 'ALTER', 'INDEX', 'REFERENCES'],
  sequence: ['CREATE', 'DROP', 'INSERT'],
  view: ['CREATE VIEW', 'DROP', 'SELECT', 'SHOW VIEW'],
  trigger: ['TRIGGER'],
  event: ['EVENT'],
  function: ['CREATE ROUTINE', 'ALTER ROUTINE'],
  procedure: ['CREATE ROUTINE', 'ALTER ROUTINE'],
  package: ['CREATE ROUTINE', 'ALTER ROUTINE'],
  'package body': ['CREATE ROUTINE', 'ALTER ROUTINE'],
  library: ['CREATE ROUTINE', 'ALTER ROUTINE'],
};

/** Privileges on the target database that the account lacks for objects of these kinds. */
export function missingPrivileges(
  kinds: readonly ObjectKind[],
  target: string,
  facts: TargetFacts,
): string[] {
  const needed = new Set(['CREATE', 'DROP', 'ALTER', ...kinds.flatMap((kind) => NEEDED[kind])]);
  return [...needed].filter((privilege) => !holds(facts.grants, privilege, target));
}

/** The GRANT to paste for privileges that exist for the whole server only. */
export function grantGlobal(privilege: string, facts: TargetFacts): string {
  return `GRANT ${privilege} ON *.* TO ${quoteAccount(facts.account)};`;
}

export const kindsOf = (needs: MysqlRequirements): ObjectKind[] =>
  (Object.keys(NEEDED) as ObjectKind[]).filter((kind) => (needs.counts[kind] ?? 0) > 0);

/** What keeps the account from making the snapshot's programs on a server with a binary log. */
export function binaryLogObstacle(needs: MysqlRequirements, facts: TargetFacts) {
  const kinds = kindsOf(needs).filter((kind) => kind === 'trigger' || kind === 'function');
  if (!facts.guardsPrograms || kinds.length === 0 || holdsGlobally(facts.grants, 'SUPER')) return undefined;
  if (facts.flavour === 'mariadb' && holdsGlobally(facts.grants, 'BINLOG ADMIN')) return undefined;
  return {
    possible: false,
    reason: `The server writes a binary log, and lets “${facts.account}” make no ${kinds.join('s and no ')}s with it.`,
    sql: 'SET GLOBAL log_bin_trust_function_creators = 1; -- and in the server’s configuration file',
  };
}

/** Definers other than the restoring account: what runs in their names takes a right of its own. */
export function foreignDefiners(needs: MysqlRequirements, facts: TargetFacts): string[] {
  return needs.definers
    .map(({ account }) => account)
    .filter((account) => !sameAccount(account, facts.account));
}

/** Definers that the target does not have; none where its accounts cannot be read. */
export function missingDefiners(needs: MysqlRequirements, facts: TargetFacts): string[] {
  const { accounts } = facts;
  if (!accounts) return [];
  return needs.definers.map(({ account }) => account).filter((account) => !knows(accounts, account));
}

/** Whether an account is one of the server's; a MariaDB role has no host. */
export function knows(accounts: ReadonlySet<string>, account: string): boolean {
  const { user, host } = parseAccount(account);
  return accounts.has(`${user}@${host}`) || (host === '%' && accounts.has(`${user}@`));
}

/** Hosts compare without case. */
export function sameAccount(one: string, other: string): boolean {
  const [a, b] = [parseAccount(one), parseAccount(other)];
  return a.user === b.user && a.host.toLowerCase() === b.host.toLowerCase();
}

/** The privilege that lets make programs in other accounts' names; `SUPER` does as well where it still exists. */
export function definerPrivilege(facts: TargetFacts): string {
  if (facts.flavour === 'mariadb') return 'SET USER';
  return facts.versionNumber >= 80_200 ? 'SET_ANY_DEFINER' : 'SET_USER_ID';
}

export const mayDefine = (facts: TargetFacts) =>
  holdsGlobally(facts.grants, definerPrivilege(facts), 'SUPER');

/** Whether the account may name definers that do not exist. */
export function mayDefineAbsent(facts: TargetFacts): boolean {
  return (
    facts.flavour === 'mariadb' ||
    facts.versionNumber < 80_200 ||
    holdsGlobally(facts.grants, 'ALLOW_NONEXISTENT_DEFINER', 'SUPER')
  );
}

/**
 * Which of these accounts hold SYSTEM_USER while the restoring one does not: MySQL then lets it neither make nor drop
 * what runs as them. `undefined` where it cannot tell.
 */
export function guardedAccounts(accounts: readonly string[], facts: TargetFacts): string[] | undefined {
  const others = accounts.filter((account) => !sameAccount(account, facts.account));
  if (others.length === 0 || facts.flavour !== 'mysql' || holdsGlobally(facts.grants, 'SYSTEM_USER'))
    return [];
  const { systemUsers } = facts;
  if (!systemUsers) return undefined;
  return [...new Set(others)].filter((account) => knows(systemUsers, account));
}

/** The GRANTs to paste so that the account can read which accounts there are, and which hold SYSTEM_USER. */
export function grantAccounts(facts: TargetFacts): string {
  const tables = facts.flavour === 'mysql' ? ['user', 'global_grants', 'role_edges'] : ['user'];
  return tables
    .map((table) => `GRANT SELECT ON mysql.${table} TO ${quoteAccount(facts.account)};`)
    .join('\n');
}
