import { useSyncExternalStore } from 'react';
import { formatLocal, formatRelative } from './format.ts';

let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 15_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The present, in steps of a quarter minute; one clock for the whole page. */
function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** A time as people say it, with the exact UTC on hover. */
export function Time({ iso, mode = 'relative' }: { iso: string; mode?: 'relative' | 'local' }) {
  const present = Math.max(useNow(), mode === 'relative' ? Date.now() : 0);
  const utc = new Date(iso)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');
  const exact = mode === 'relative' ? `${formatLocal(iso)} · ${utc}` : utc;
  return (
    <time dateTime={iso} title={exact} className="whitespace-nowrap">
      {mode === 'relative' ? formatRelative(iso, present) : formatLocal(iso)}
    </time>
  );
}
