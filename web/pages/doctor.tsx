import { useMutation } from '@tanstack/react-query';
import {
  CircleCheck,
  CircleDashed,
  CircleX,
  type LucideIcon,
  Stethoscope,
  TriangleAlert,
} from 'lucide-react';
import { acts } from '../api/acts.ts';
import type { Agent, CheckResult, DoctorReport } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock, CopyButton } from '../components/copy.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card } from '../components/layout.tsx';

/** Lets the agent look at all it needs, on its host and from there; asked when somebody wants to know. */
export function DoctorCard({ agent }: { agent: Agent }) {
  const examination = useMutation({ mutationFn: () => acts.examineAgent(agent.id) });
  const { data: report, error, isPending } = examination;
  return (
    <Card
      title="Doctor"
      actions={
        <Button size="small" busy={isPending} onClick={() => examination.mutate()}>
          <Stethoscope aria-hidden size={14} />
          {report ? 'Run the checks again' : 'Run the checks'}
        </Button>
      }
    >
      <div className="grid gap-4" aria-live="polite" aria-busy={isPending}>
        {!report && !error && !isPending && (
          <p className="text-ink-2">
            Looks at this agent’s configuration, its files, its way to here, its client tools and each of its
            servers, and says what to do about what is not well. Takes up to a minute.
          </p>
        )}
        {isPending && (
          <p className="text-ink-2">The agent is looking. Servers that do not answer take longest.</p>
        )}
        {!isPending && <ErrorCard error={error} />}
        {!isPending && report && <Report report={report} />}
      </div>
    </Card>
  );
}

const LOOK = {
  failed: { icon: CircleX, tone: 'text-bad', word: 'Failed' },
  warning: { icon: TriangleAlert, tone: 'text-warn', word: 'Warning' },
  skipped: { icon: CircleDashed, tone: 'text-ink-3', word: 'Not looked at' },
  ok: { icon: CircleCheck, tone: 'text-ok', word: 'OK' },
} satisfies Record<CheckResult['verdict'], { icon: LucideIcon; tone: string; word: string }>;

/** What is not well stands open, the rest one click away. */
function Report({ report }: { report: DoctorReport }) {
  const of = (verdict: CheckResult['verdict']) => report.checks.filter((check) => check.verdict === verdict);
  const open = [...of('failed'), ...of('warning'), ...of('skipped')];
  const well = of('ok');
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-2">
        <p className="font-semibold">{summary(of('failed').length, of('warning').length)}</p>
        <CopyButton text={asText(report)} label="Copy report" />
      </div>
      {open.length > 0 && <Checks label="What is not well" checks={open} />}
      {well.length > 0 && (
        <details open={open.length === 0}>
          <summary className="text-sm font-medium text-ink-2">{well.length} checks are well</summary>
          <div className="mt-3">
            <Checks label="What is well" checks={well} />
          </div>
        </details>
      )}
    </>
  );
}

function Checks({ checks, label }: { checks: CheckResult[]; label: string }) {
  return (
    <ul className="grid gap-3" aria-label={label}>
      {checks.map((check) => {
        const { icon: Icon, tone, word } = LOOK[check.verdict];
        return (
          <li key={check.id} className="flex gap-3">
            <Icon aria-hidden size={17} className={`mt-0.5 shrink-0 ${tone}`} />
            <div className="grid min-w-0 flex-1 gap-1.5">
              <p className="wrap-anywhere">
                <span className={`font-semibold ${tone}`}>{word}:</span>{' '}
                <span className="font-medium">{check.title}</span>
              </p>
              <p className="wrap-anywhere text-ink-2">{check.seen}</p>
              {check.fix && <p className="wrap-anywhere">{check.fix}</p>}
              {check.paste && <CodeBlock text={check.paste} label={`To paste: ${check.title}`} />}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

function summary(failed: number, warnings: number): string {
  if (failed === 0 && warnings === 0) return 'Everything is well.';
  const parts = [
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ];
  return `${parts.join(', ')}.`;
}

/** The whole report, for a ticket or a colleague. */
function asText({ checks, hostname, version }: DoctorReport): string {
  const blocks = checks.map(({ fix, paste, seen, title, verdict }) =>
    [`${verdict}: ${title}`, seen, fix, paste].filter(Boolean).join('\n'),
  );
  return [`Homeport agent ${version} on ${hostname}`, ...blocks].join('\n\n');
}
