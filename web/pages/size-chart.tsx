import type { Snapshot } from '../api/types.ts';
import { formatBytes, formatLocal } from '../components/format.ts';

const WIDTH = 720;
const HEIGHT = 120;
const MOST = 60;

/** Raw size and uploaded bytes of the newest snapshots, oldest at the left. */
export function SizeChart({ snapshots }: { snapshots: Snapshot[] }) {
  const shown = snapshots.slice(0, MOST).reverse();
  const largest = Math.max(
    1,
    ...shown.map(({ rawBytes, storedBytes }) => Math.max(rawBytes, storedBytes ?? 0)),
  );
  const step = WIDTH / Math.max(shown.length, 12);
  const height = (bytes: number) => Math.max(bytes > 0 ? 2 : 0, (bytes / largest) * HEIGHT);
  const bar = step * 0.36;
  const newest = shown.at(-1);
  return (
    <figure className="grid gap-3">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`Sizes of the last ${shown.length} snapshots; the newest has ${formatBytes(newest?.rawBytes ?? 0)}.`}
        className="h-28 w-full border-b border-line"
        preserveAspectRatio="none"
      >
        {shown.map((snapshot, index) => {
          const left = index * step + (step - 2 * bar) / 2;
          const raw = height(snapshot.rawBytes);
          const stored = height(snapshot.storedBytes ?? 0);
          return (
            <g key={snapshot.id}>
              <title>
                {`${formatLocal(snapshot.createdAt)}: ${formatBytes(snapshot.rawBytes)}, ${formatBytes(snapshot.storedBytes ?? 0)} uploaded`}
              </title>
              <rect x={index * step} y={0} width={step} height={HEIGHT} className="fill-transparent" />
              <rect x={left} y={HEIGHT - raw} width={bar} height={raw} className="fill-control" />
              <rect x={left + bar} y={HEIGHT - stored} width={bar} height={stored} className="fill-accent" />
            </g>
          );
        })}
      </svg>
      <figcaption className="flex flex-wrap gap-x-5 gap-y-1 text-sm text-ink-2">
        <span className="flex items-center gap-2">
          <span aria-hidden className="size-2.5 rounded-xs bg-control" />
          Size of the dump
        </span>
        <span className="flex items-center gap-2">
          <span aria-hidden className="size-2.5 rounded-xs bg-accent" />
          Uploaded to the vault
        </span>
        <span className="ml-auto text-ink-3">{`Tallest: ${formatBytes(largest)}`}</span>
      </figcaption>
    </figure>
  );
}
