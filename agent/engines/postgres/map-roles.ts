import type { EntryRewrite, TocEntry } from './archive-toc.ts';
import { quoteIdent } from './quote.ts';

/** Gives the name a role goes by on the target. */
export type RoleMap = (role: string) => string;

/** Where, in an entry's SQL, role names stand: after which words, and whether a list or only the first time. */
const ROLE_POSITIONS: Record<string, { after: readonly string[]; once?: boolean }> = {
  ACL: { after: ['TO', 'FROM', 'AUTHORIZATION'] },
  'DEFAULT ACL': { after: ['TO', 'FROM', 'ROLE', 'AUTHORIZATION'] },
  // A policy's expressions follow its TO, and are none of our business.
  POLICY: { after: ['TO'], once: true },
  'USER MAPPING': { after: ['FOR'], once: true },
};

/** Quoted identifiers, string literals, words, then any other single character. */
const TOKEN = /"(?:[^"]|"")*"|'(?:[^']|'')*'|[\p{L}_][\p{L}\p{N}_$]*|\s+|./gsu;

/** How pg_dump switches a foreign key's trigger on a partition: by a name made of an oid, which is gone after a restore. */
const SWITCHED_TRIGGER =
  /^\s*ALTER TABLE [\s\S]*(?:DISABLE|ENABLE(?: ALWAYS| REPLICA)?) TRIGGER "RI_ConstraintTrigger_[ac]_\d+";\s*$/;

/**
 * Rewrites owners and, in grants and policies, role names of an archive's table of contents, and leaves out the
 * switching of triggers that a restored database has under other names.
 */
export function archiveRewrite(map: RoleMap): EntryRewrite {
  return (entry: TocEntry, definition: string) => ({
    owner: entry.owner === '' ? '' : map(entry.owner),
    definition:
      entry.desc === 'TRIGGER' && SWITCHED_TRIGGER.test(definition)
        ? ''
        : mapRoles(entry.desc, definition, map),
  });
}

/**
 * `sql` of an entry of kind `desc` with each role exchanged by `map`. pg_dump writes its keywords in capitals
 * and quotes every name that is not plain lower case, so that the two cannot be taken for each other.
 */
export function mapRoles(desc: string, sql: string, map: RoleMap): string {
  const positions = ROLE_POSITIONS[desc];
  if (!positions) return sql;
  let state: 'idle' | 'role' | 'after' | 'done' = 'idle';
  const exchange = (token: string) => {
    if (state === 'done' || /^\s/.test(token)) return token;
    if (state === 'after') {
      if (token === ',') state = 'role';
      else state = positions.once ? 'done' : 'idle';
    }
    if (state === 'idle' && positions.after.includes(token)) state = 'role';
    else if (state === 'role' && token !== 'GROUP' && token !== ',') {
      state = 'after';
      const role = roleName(token);
      if (role !== undefined && map(role) !== role) return quoteIdent(map(role));
    }
    return token;
  };
  return (sql.match(TOKEN) ?? []).map(exchange).join('');
}

/** The role a token names; `undefined` for keywords such as PUBLIC. */
function roleName(token: string): string | undefined {
  if (token.startsWith('"')) return token.slice(1, -1).replaceAll('""', '"');
  return /^[\p{Ll}_]/u.test(token) ? token : undefined;
}
