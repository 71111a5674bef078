import { listed } from '../words.ts';
import type { PostgresGlobals } from './globals.ts';
import type { InPlaceFacts } from './in-place-facts.ts';
import type { PostgresRequirements } from './requirements.ts';

/** What the report of a restore in place says besides that it worked. */
export function inPlaceNotes(
  made: { globals: PostgresGlobals; requirements: PostgresRequirements },
  facts: InPlaceFacts,
  said: string,
): string[] {
  const { database, roles } = made.globals;
  const notes: string[] = [];
  if (facts.compared && facts.drops.count > 0)
    notes.push(`Dropped, since the snapshot does not hold it: ${spelled(facts.drops)}.`);
  if (facts.kept.length > 0)
    notes.push(
      `Left as they are, since the snapshot has no rows of theirs: ${listed(facts.kept.map((one) => `${one.schema}.${one.name}`))}.`,
    );
  if (
    database.settings.length > 0 ||
    database.acl !== null ||
    database.comment !== null ||
    roles.some((role) => role.databaseSettings.length > 0)
  )
    notes.push(
      'The database itself kept its own settings, grants and comment; the snapshot’s were not applied.',
    );
  if (made.requirements.switchedPartitions.length > 0)
    notes.push(
      `Foreign-key triggers of ${listed(made.requirements.switchedPartitions)} work as their parent’s do; in the backup they were switched otherwise.`,
    );
  if (said) notes.push(`pg_restore said: ${said.slice(0, 2000)}`);
  return notes;
}

/** How many characters of names a finding or note spells out. */
const MAX_NAMES = 3000;

/** The names, as many as fit, and how many more there are. */
export function spelled({ names, count }: InPlaceFacts['drops']): string {
  const shown: string[] = [];
  let room = MAX_NAMES;
  for (const name of names) {
    room -= name.length + 2;
    if (room < 0) break;
    shown.push(name);
  }
  return shown.length < count ? `${shown.join(', ')} and ${count - shown.length} more` : shown.join(', ');
}
