import { type BackupHistoryFilter, backupHistory } from '../db/backup-history.ts';
import type { AppDeps } from '../deps.ts';
import { iso } from './times.ts';

/** A day more than readers are shown: their first day may have begun a day earlier than ours. */
const DAYS = 31;

/** How the backups of about a month ended, by the hour; hours without any are left out. */
export function recentBackups(
  { clock, db }: Pick<AppDeps, 'clock' | 'db'>,
  filter: Omit<BackupHistoryFilter, 'since'>,
) {
  const since = clock.now() - DAYS * 24 * 3600_000;
  return backupHistory(db, { ...filter, since }).map(({ hour, ...ends }) => ({ hour: iso(hour), ...ends }));
}
