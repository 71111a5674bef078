import { useRouter } from '@tanstack/react-router';
import { CircleAlert, Info, OctagonX, RotateCw, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { failureFrom } from '../api/client.ts';
import type { Failure, Finding } from '../api/types.ts';
import { Button } from './button.tsx';
import { CodeBlock, CopyButton } from './copy.tsx';

/** The whole failure as text, for a ticket or a colleague. */
function asText(failure: Failure): string {
  return [`${failure.code}: ${failure.message}`, failure.hint, failure.sql, failure.detail]
    .filter(Boolean)
    .join('\n\n');
}

/** What happened, why, what to do; with the SQL to paste and the tool's own words where there are any. */
export function FailureCard({ failure, children }: { failure: Failure; children?: ReactNode }) {
  return (
    <div role="alert" className="grid gap-3 rounded-card border border-bad/40 bg-bad-soft p-4">
      <div className="flex gap-3">
        <CircleAlert aria-hidden size={18} className="mt-0.5 shrink-0 text-bad" />
        <div className="grid min-w-0 flex-1 gap-1">
          <p className="font-semibold">{failure.message}</p>
          <p className="text-ink-2">{failure.hint}</p>
        </div>
      </div>
      {failure.sql && <CodeBlock text={failure.sql} label="SQL that removes the cause" />}
      {failure.detail && (
        <details>
          <summary className="text-sm font-medium text-ink-2">What the tool said</summary>
          <div className="mt-2">
            <CodeBlock text={failure.detail} label="What the tool said" />
          </div>
        </details>
      )}
      <div className="flex flex-wrap items-center gap-3">
        {children}
        <CopyButton text={asText(failure)} label="Copy details" />
        <code className="font-mono text-sm text-ink-2">{failure.code}</code>
      </div>
    </div>
  );
}

/** {@link FailureCard} for whatever a query or an act threw; nothing while there is no error. */
export function ErrorCard({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  if (!error) return null;
  return (
    <FailureCard failure={failureFrom(error)}>
      {onRetry && (
        <Button size="small" onClick={onRetry}>
          <RotateCw aria-hidden size={14} />
          Try again
        </Button>
      )}
    </FailureCard>
  );
}

/** What a page shows when it could not be drawn at all. */
export function PageError({ error }: { error: unknown }) {
  const router = useRouter();
  return <ErrorCard error={error} onRetry={() => void router.invalidate()} />;
}

const FINDING_LOOK = {
  blocker: { icon: OctagonX, tone: 'text-bad', word: 'Blocks' },
  warning: { icon: TriangleAlert, tone: 'text-warn', word: 'Warning' },
  info: { icon: Info, tone: 'text-accent', word: 'Note' },
} satisfies Record<Finding['severity'], unknown>;

/** What preflight found, worst first. */
export function Findings({ findings }: { findings: Finding[] }) {
  const order = ['blocker', 'warning', 'info'];
  const sorted = findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  return (
    <ul className="grid gap-3">
      {sorted.map((finding) => {
        const { icon: Icon, tone, word } = FINDING_LOOK[finding.severity];
        return (
          <li key={`${finding.code} ${finding.message}`} className="flex gap-3">
            <Icon aria-hidden size={17} className={`mt-0.5 shrink-0 ${tone}`} />
            <div className="grid min-w-0 flex-1 gap-1.5">
              <p>
                <span className={`font-semibold ${tone}`}>{word}:</span> {finding.message}
              </p>
              {finding.hint && <p className="text-ink-2">{finding.hint}</p>}
              {finding.sql && <CodeBlock text={finding.sql} label="SQL that removes the cause" />}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
