import { CircleCheck, CircleX } from 'lucide-react';
import type { RestoreMode } from '../../protocol/engines/engine.ts';
import type { EngineDescriptor, Finding, RestorePreflight } from '../api/types.ts';
import { Button } from '../components/button.tsx';
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

const concerns = ({ modes }: Finding, mode: RestoreMode) => !modes || modes.includes(mode);

/** What a restore in place takes away, or leaves, beside what it replaces; said where it is confirmed. */
export function isAboutLoss(finding: Finding, mode: RestoreMode): boolean {
  return finding.code.startsWith('in_place_') && finding.severity !== 'blocker' && concerns(finding, mode);
}

/** Whether a restore could be started in this way. */
export function isPossible(preflight: RestorePreflight, mode: RestoreMode): boolean {
  const verdict = preflight.modes.find((each) => each.mode === mode);
  const blocked = preflight.findings.some(
    (finding) => finding.severity === 'blocker' && concerns(finding, mode),
  );
  return verdict?.possible === true && !blocked;
}

/** A way that is open where the chosen one is not. */
export interface OtherWay {
  mode: RestoreMode;
  database: string;
}

/** The modes that a target's answer leaves open. */
export function waysInto(
  engine: EngineDescriptor,
  preflight: RestorePreflight,
  database: string,
): OtherWay[] {
  return engine.restoreModes
    .filter(({ id }) => isPossible(preflight, id))
    .map(({ id }) => ({ mode: id, database }));
}

interface PreflightFindingsProps {
  engine: EngineDescriptor;
  preflight: RestorePreflight;
  mode: RestoreMode;
  others: OtherWay[];
  onOther: (way: OtherWay) => void;
}

/** The verdict on the chosen mode, other ways where it is no, then everything else that was found. */
export function PreflightFindings(props: PreflightFindingsProps) {
  const { engine, mode, onOther, others, preflight } = props;
  const verdict = preflight.modes.find((each) => each.mode === mode);
  const possible = isPossible(preflight, mode);
  const findings = preflight.findings.filter(
    (finding) => concerns(finding, mode) && !(possible && isAboutLoss(finding, mode)),
  );
  return (
    <>
      {verdict && (
        <VerdictLine verdict={{ ...verdict, possible }} yes="This is possible." no="This is not possible." />
      )}
      {!possible && others.length > 0 && (
        <div className="flex flex-wrap items-center gap-2 pl-7">
          <span className="text-ink-2">What is possible:</span>
          {others.map((way) => (
            <Button key={way.mode} size="small" onClick={() => onOther(way)}>
              {`“${engine.restoreModes.find(({ id }) => id === way.mode)?.label}” with ${way.database}`}
            </Button>
          ))}
        </div>
      )}
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
