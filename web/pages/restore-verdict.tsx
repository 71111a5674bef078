import { CircleCheck, CircleX } from 'lucide-react';
import type { RestoreMode } from '../../protocol/engines/engine.ts';
import type { RestorePreflight } from '../api/types.ts';
import { CodeBlock } from '../components/copy.tsx';
import { Findings } from '../components/failure.tsx';
import { Facts } from '../components/layout.tsx';

interface Verdict {
  possible: boolean;
  reason: string;
  sql?: string | undefined;
}

/** Yes or no with the reason, and the SQL that would turn a no into a yes. */
function VerdictLine({ verdict, yes, no }: { verdict: Verdict; yes: string; no: string }) {
  const Icon = verdict.possible ? CircleCheck : CircleX;
  return (
    <div className="flex gap-3">
      <Icon
        aria-hidden
        size={18}
        className={`mt-0.5 shrink-0 ${verdict.possible ? 'text-ok' : 'text-bad'}`}
      />
      <div className="grid min-w-0 flex-1 gap-1.5">
        <p className="font-semibold">{verdict.possible ? yes : no}</p>
        {verdict.reason && <p className="text-ink-2">{verdict.reason}</p>}
        {!verdict.possible && verdict.sql && (
          <CodeBlock text={verdict.sql} label="SQL that makes it possible" />
        )}
      </div>
    </div>
  );
}

interface PreflightFindingsProps {
  preflight: RestorePreflight;
  mode: RestoreMode;
}

/** The verdict on the chosen mode, then everything else that was found. */
export function PreflightFindings({ preflight, mode }: PreflightFindingsProps) {
  const verdict = preflight.modes.find((each) => each.mode === mode);
  const findings = preflight.findings.filter(({ modes }) => !modes || modes.includes(mode));
  return (
    <>
      {verdict && <VerdictLine verdict={verdict} yes="This is possible." no="This is not possible." />}
      <p className="text-sm text-ink-3">
        Server {preflight.serverVersion}, {preflight.tool}
      </p>
      {findings.length > 0 && <Findings findings={findings} />}
    </>
  );
}

/** What the snapshot needs and the target lacks. */
export function MissingList({ missing }: { missing: RestorePreflight['missing'] }) {
  if (missing.length === 0) return null;
  return (
    <div className="grid gap-2">
      <p className="font-semibold">The target lacks</p>
      <Facts items={missing.map(({ kind, names }) => [kind, names.join(', ')])} />
    </div>
  );
}
