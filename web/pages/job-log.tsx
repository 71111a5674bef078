import { useEffect, useRef } from 'react';
import type { LogLine } from '../api/types.ts';
import { CopyButton } from '../components/copy.tsx';
import { Card } from '../components/layout.tsx';

/** How near to the end, in pixels, counts as reading along. */
const NEAR_END = 40;

/** The job's log; stays at the end while the reader is there. */
export function JobLog({ lines, live }: { lines: LogLine[]; live: boolean }) {
  const box = useRef<HTMLElement>(null);
  const atEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines move the end
  useEffect(() => {
    const element = box.current;
    if (element && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [lines]);
  const text = lines.map(({ at, text }) => `${at} ${text}`).join('\n');
  return (
    <Card title="Log" actions={lines.length > 0 && <CopyButton text={text} label="Copy log" />} flush>
      {lines.length === 0 ? (
        <p className="p-4 text-ink-3">
          {live ? 'Nothing yet. Lines appear here as they are written.' : 'Empty.'}
        </p>
      ) : (
        <section
          ref={box}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
          tabIndex={0}
          aria-label="Log lines"
          onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
            atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_END;
          }}
          className="max-h-96 overflow-auto rounded-b-card px-4 py-3 font-mono text-sm"
        >
          {lines.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines are only ever appended, two may be equal
            <div key={index} className="flex gap-4 whitespace-pre-wrap">
              <time dateTime={line.at} title={line.at} className="shrink-0 text-ink-3">
                {new Date(line.at).toLocaleTimeString()}
              </time>
              <span className="min-w-0">{line.text}</span>
            </div>
          ))}
        </section>
      )}
    </Card>
  );
}
