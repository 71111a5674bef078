import { type BackupDay, type BackupHour, lastDays } from './days.ts';
import { count } from './format.ts';

const DAYS = 30;
const dayName = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' });

/** How the backups of the last 30 days ended: a column for each day, what failed at its top. */
export function DayStrip({ hours }: { hours: BackupHour[] }) {
  const days = lastDays(hours, new Date(), DAYS);
  const sum = (part: 'succeeded' | 'failed') => days.reduce((total, day) => total + day[part], 0);
  const idle = days.filter((day) => day.succeeded + day.failed === 0).length;
  const told = [
    `${count(sum('succeeded'), 'backup')} succeeded`,
    `${sum('failed').toLocaleString()} failed`,
    `${count(idle, 'day')} without any`,
  ];
  return (
    <figure className="grid gap-2">
      <div
        role="img"
        aria-label={`The last ${DAYS} days: ${told.join(', ')}.`}
        className="flex h-9 gap-0.5 sm:gap-1"
      >
        {days.map((day) => (
          <DayColumn key={day.noon.toISOString()} day={day} />
        ))}
      </div>
      <figcaption className="flex flex-wrap justify-between gap-x-5 gap-y-1 text-sm text-ink-3">
        <span>{`${DAYS} days ago`}</span>
        <span className="text-ink-2">{told.join(' · ')}</span>
        <span>Today</span>
      </figcaption>
    </figure>
  );
}

function DayColumn({ day }: { day: BackupDay }) {
  const { failed, noon, succeeded } = day;
  const all = succeeded + failed;
  const text =
    all === 0 ? 'no backup' : `${succeeded.toLocaleString()} succeeded, ${failed.toLocaleString()} failed`;
  // One failure among thousands has to be seen, too.
  const share = failed === 0 ? 0 : Math.max(0.2, failed / all);
  return (
    <div
      title={`${dayName.format(noon)}: ${text}`}
      className="flex min-w-0 flex-1 flex-col gap-px overflow-hidden rounded-xs"
    >
      {all === 0 && <div className="flex-1 bg-raised" />}
      {share > 0 && <div className={`bg-bad ${SHARES[Math.ceil(share * 5) - 1]}`} />}
      {share < 1 && all > 0 && <div className="flex-1 bg-ok" />}
    </div>
  );
}

/** In fifths: the page's policy forbids styles of its own. */
const SHARES = ['h-1/5', 'h-2/5', 'h-3/5', 'h-4/5', 'h-full'];
