import type { Finding } from '../../../protocol/restore.ts';
import { listed } from '../words.ts';
import { LIBRARIES } from './catalogue.ts';
import { PRODUCT, series, versionText } from './flavour.ts';
import { inPlaceDrops, keptTables } from './in-place.ts';
import { collisions } from './names.ts';
import { quoteIdent } from './quote.ts';
import type { MysqlRequirements } from './requirements.ts';
import { foreignDefiners, holdsGlobally, missingDefiners } from './restore-rights.ts';
import { longestStatement } from './rewrite.ts';
import { elsewhere } from './storage-engines.ts';
import type { TargetFacts } from './target.ts';

function blocker(code: string, message: string, hint: string, sql?: string): Finding {
  return { severity: 'blocker', code, message, hint, ...(sql ? { sql } : {}) };
}

/** What a target lacks for a snapshot, and what to know before restoring it there. */
export function restoreFindings(needs: MysqlRequirements, facts: TargetFacts): Finding[] {
  return [
    ...server(needs, facts),
    ...unknown(needs, facts),
    ...definers(needs, facts),
    ...reaching(needs),
    ...inPlace(needs, facts),
    ...surroundings(needs, facts),
  ];
}

function server(needs: MysqlRequirements, facts: TargetFacts): Finding[] {
  const found: Finding[] = [];
  if (facts.readOnly && !holdsGlobally(facts.grants, 'SUPER', 'READ_ONLY ADMIN', 'CONNECTION_ADMIN')) {
    found.push(
      blocker(
        'server_read_only',
        'The server is read-only.',
        'Restore to the server that takes writes: a replica gets the data from there.',
      ),
    );
  }
  const longest = longestStatement(facts.maxAllowedPacket);
  if (needs.maxRowBytes > longest) {
    const value = Math.min(2 ** 30, 2 ** Math.ceil(Math.log2(needs.maxRowBytes + 2048)));
    found.push(
      blocker(
        'packet_too_small',
        `The largest row takes ${needs.maxRowBytes} bytes as a statement; the server’s max_allowed_packet lets ${longest} through.`,
        'Raise it, also in the server’s configuration file. 1 GiB is the most there is, and 512 MiB what Homeport sends.',
        `SET GLOBAL max_allowed_packet = ${value};`,
      ),
    );
  }
  return found;
}

function unknown(needs: MysqlRequirements, facts: TargetFacts): Finding[] {
  const found: Finding[] = [];
  const here = `${PRODUCT[facts.flavour]} ${facts.version}`;
  if (facts.unknownCollations.length > 0)
    found.push(
      blocker(
        'collation_unknown',
        `${here} does not know the collation ${listed(facts.unknownCollations)}.`,
        'Restore to a server of the version that the backup came from, or a newer one.',
      ),
    );
  if (facts.unknownEngines.length > 0)
    found.push(
      blocker(
        'storage_engine_unknown',
        `The server has no storage engine ${listed(facts.unknownEngines)}.`,
        'Install and enable its plugin on the server.',
      ),
    );
  if (needs.features.history && !facts.insertsHistory)
    found.push(
      blocker(
        'history_unsupported',
        `The backup holds former rows of system-versioned tables; ${here} cannot be given any.`,
        'Restore to MariaDB 10.11 or later.',
      ),
    );
  if ((needs.counts.library ?? 0) > 0 && facts.versionNumber < LIBRARIES)
    found.push(
      blocker(
        'libraries_unsupported',
        `The backup holds libraries; ${here} knows none.`,
        `Restore to MySQL ${versionText(LIBRARIES)} or later.`,
      ),
    );
  if (
    series(needs.serverVersion) !== series(facts.versionNumber) &&
    needs.serverVersion > facts.versionNumber
  )
    found.push({
      severity: 'warning',
      code: 'older_server',
      message: `The backup comes from ${PRODUCT[needs.flavour]} ${versionText(needs.serverVersion)}, this server is ${here}.`,
      hint: 'What the older server does not know makes the restore fail: into a new database nothing is lost by that, in place the target is then incomplete.',
    });
  return found;
}

/** Views, routines, triggers and events run with rights of the account they name. */
function definers(needs: MysqlRequirements, facts: TargetFacts): Finding[] {
  const found: Finding[] = [];
  const missing = missingDefiners(needs, facts);
  if (missing.length > 0)
    found.push({
      severity: 'warning',
      code: 'definer_missing',
      message: `The server has no account ${listed(missing)}: what runs in its name fails when it is used (error 1449), unless definers are mapped.`,
      hint: 'Create the accounts, before or after the restore, or let an account of your choice stand in.',
    });
  const powerful = holdsGlobally(facts.grants, 'SUPER', 'SET USER', 'SET_ANY_DEFINER', 'SET_USER_ID');
  const foreign = foreignDefiners(needs, facts);
  if (powerful && foreign.length > 0)
    found.push({
      severity: 'warning',
      code: 'runs_foreign_code',
      message: `The backup holds code that will run as ${listed(foreign)}, and “${facts.account}” may make it so.`,
      hint: 'The restore itself runs none of it, and events stay disabled. Who could write to the backed-up server could have made code that runs as an account with more rights: if you do not trust them, map definers to an account with few.',
    });
  const events = needs.counts.event ?? 0;
  if (events > 0)
    found.push({
      severity: 'info',
      code: 'events_disabled',
      message: `${events} ${events === 1 ? 'event is' : 'events are'} restored disabled.`,
      hint: 'Choose “Let events run” to have those that were enabled run again after the restore.',
    });
  return found;
}

/** Tables that are windows: who uses them reads and writes what is behind, with the target server’s own reach. */
function reaching({ engines }: MysqlRequirements): Finding[] {
  const found = engines.filter(elsewhere);
  if (found.length === 0) return [];
  return [
    {
      severity: 'warning',
      code: 'reaches_elsewhere',
      message: `The backup holds tables of the storage engine ${listed(found)}, without rows: theirs are in other tables, in files or on other servers, and the restored tables reach for them there.`,
      hint: 'Whoever uses such a table reads and writes, with the rights of this server, what its definition names: other tables, a file, another server, also one that the backed-up database uses still. If you do not trust who could write to the backed-up server, look at these tables’ definitions first.',
    },
  ];
}

function inPlace(needs: MysqlRequirements, facts: TargetFacts): Finding[] {
  const found: Finding[] = [];
  if (needs.excludedTables.length > 0)
    found.push({
      severity: 'info',
      code: 'rows_left_out',
      message: `The backup has no rows of ${listed(needs.excludedTables)}. A new database has these tables empty; in place they stay as they are where they exist.`,
    });
  if (!facts.database) return found;
  const target = { catalogue: facts.database.catalogue, foldsNames: facts.lowerCaseTableNames > 0 };
  const drops = inPlaceDrops(needs, target);
  const kept = keptTables(needs, target);
  if (drops.names.length > 0)
    found.push({
      severity: 'warning',
      code: 'in_place_drops',
      modes: ['in-place'],
      message: drops.compared
        ? `Dropped, since the snapshot does not hold it: ${spelled(drops.names)}.`
        : `Everything in the database is dropped first: ${spelled(drops.names)}. What the snapshot does not hold is gone then.`,
    });
  if (kept.length > 0)
    found.push({
      severity: 'warning',
      code: 'in_place_kept',
      modes: ['in-place'],
      message: `Stays as it is, since the snapshot has no rows of it: ${spelled(kept)}.`,
    });
  return found;
}

/** Names, as many as fit, and how many more there are. */
function spelled(names: readonly string[]): string {
  const shown: string[] = [];
  let room = 3000;
  for (const name of names) {
    room -= name.length + 2;
    if (room < 0) break;
    shown.push(name);
  }
  return shown.length < names.length
    ? `${shown.join(', ')} and ${names.length - shown.length} more`
    : shown.join(', ');
}

function surroundings(needs: MysqlRequirements, facts: TargetFacts): Finding[] {
  const found: Finding[] = [];
  const colliding = facts.lowerCaseTableNames > 0 ? collisions(needs) : [];
  if (colliding.length > 0)
    found.push(
      blocker(
        'names_collide',
        `Case does not count in this server’s names of tables (lower_case_table_names ${facts.lowerCaseTableNames}), and the snapshot holds ${spelled(colliding)}.`,
        'Restore to a server that tells case apart (lower_case_table_names = 0), and rename them there.',
      ),
    );
  if (needs.lowerCaseTableNames !== facts.lowerCaseTableNames)
    found.push({
      severity: 'warning',
      code: 'case_of_names',
      message: `The servers treat case in names of tables differently (lower_case_table_names ${needs.lowerCaseTableNames} there, ${facts.lowerCaseTableNames} here).`,
      hint: 'Code that names tables in another case may not find them.',
    });
  if (facts.leftover !== undefined)
    found.push({
      severity: 'info',
      code: 'leftover',
      message: `An interrupted restore left the database “${facts.leftover}”.`,
      hint: 'It takes up space and can be dropped, unless that restore still runs.',
      sql: `DROP DATABASE ${quoteIdent(facts.leftover)};`,
    });
  return found;
}
