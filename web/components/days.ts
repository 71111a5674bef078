/** What the backups that ended within one hour came to; `hour` is its beginning, an ISO time. */
export interface BackupHour {
  hour: string;
  succeeded: number;
  failed: number;
}

/** A day of the reader's own calendar. */
export interface BackupDay {
  /** Its noon: a time that is on this day whatever the clocks do. */
  noon: Date;
  succeeded: number;
  failed: number;
}

/** The last days up to today, each with what its backups came to, oldest first; `length` of them. */
export function lastDays(hours: readonly BackupHour[], now: Date, length: number): BackupDay[] {
  const days = Array.from({ length }, (_, index): BackupDay => {
    const back = length - 1 - index;
    return {
      noon: new Date(now.getFullYear(), now.getMonth(), now.getDate() - back, 12),
      succeeded: 0,
      failed: 0,
    };
  });
  const byDay = new Map(days.map((day) => [day.noon.toDateString(), day]));
  for (const { failed, hour, succeeded } of hours) {
    const day = byDay.get(new Date(hour).toDateString());
    if (!day) continue;
    day.succeeded += succeeded;
    day.failed += failed;
  }
  return days;
}
