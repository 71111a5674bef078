import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries.ts';
import type { Overview } from '../api/types.ts';
import { DayStrip } from '../components/day-strip.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { formatBytes, percent } from '../components/format.ts';
import { Card } from '../components/layout.tsx';

/** The fleet in numbers, and how its backups of the last days ended. */
export function OverviewFigures({ overview }: { overview: Overview }) {
  return (
    <>
      <Figures overview={overview} />
      <RecentDays />
    </>
  );
}

function RecentDays() {
  const history = useQuery(queries.history());
  if (!history.data) return <ErrorCard error={history.error} />;
  return (
    <Card title="Backups of the last 30 days">
      <DayStrip hours={history.data} />
    </Card>
  );
}

function Figures({ overview }: { overview: Overview }) {
  const { storage, agents } = overview;
  const away = agents.total - agents.online;
  const reach = away > 0 ? `${away} out of reach` : agents.total > 0 ? 'all connected' : 'none is enrolled';
  const saved = storage.rawBytes - storage.storedBytes;
  const figures: [name: string, value: string, note: string][] = [
    ['Agents online', `${agents.online} of ${agents.total}`, reach],
    ['Snapshots', storage.snapshots.toLocaleString(), 'each complete on its own'],
    ['Stored', formatBytes(storage.storedBytes), `for ${formatBytes(storage.rawBytes)} of dumps`],
    [
      'Saved',
      storage.snapshots ? percent(Math.max(0, saved), storage.rawBytes) : '–',
      'deduplicated, compressed',
    ],
  ];
  return (
    <section aria-label="Figures" className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      {figures.map(([name, value, note]) => (
        <div key={name} className="rounded-card border border-line bg-surface px-4 py-3">
          <p className="text-sm text-ink-3">{name}</p>
          <p className="text-xl font-semibold tracking-tight tabular-nums">{value}</p>
          <p className="text-sm text-ink-3">{note}</p>
        </div>
      ))}
    </section>
  );
}
