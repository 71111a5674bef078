import type { RestorePreflight } from '../api/types.ts';
import { Findings } from '../components/failure.tsx';
import { CheckField } from '../components/field.tsx';
import { count, formatBytes } from '../components/format.ts';
import type { Target } from './restore-target.tsx';
import { isAboutLoss } from './restore-verdict.tsx';

interface ConsentProps {
  preflight: RestorePreflight;
  target: Target;
  serverName: string;
}

/** The present database in words: its name, where it is, how large. */
function Present({ preflight, serverName, target }: ConsentProps) {
  const { sizeBytes } = preflight.target;
  return (
    <>
      <strong className="font-semibold">{target.database}</strong> on {serverName}
      {sizeBytes !== undefined && ` (${formatBytes(sizeBytes)})`}
    </>
  );
}

/** What becomes of a database that is there already: kept beside, backed up first, or lost. */
export function WhatHappens(props: ConsentProps & { safety: boolean }) {
  const { preflight, safety, target } = props;
  const { keptAs } = preflight.target;
  const losses = preflight.findings.filter((finding) => isAboutLoss(finding, target.mode));
  if (target.mode === 'swap') {
    return (
      <p className="rounded-control border border-warn/40 bg-warn-soft px-3 py-2.5">
        <Present {...props} /> is replaced by the snapshot. What is in it now is kept
        {keptAs ? ` as “${keptAs}”` : ' under another name'} until you drop it; changes made since the
        snapshot are only there.
      </p>
    );
  }
  const tone = safety ? 'border-warn/40 bg-warn-soft' : 'border-bad/40 bg-bad-soft';
  return (
    <div className={`grid gap-3 rounded-control border px-3 py-2.5 ${tone}`}>
      <p>
        What the snapshot holds takes the place of what is in <Present {...props} />.{' '}
        {safety
          ? 'All of that is backed up first; the restore starts once that snapshot is in the vault.'
          : 'What is in it now is lost for good, and with it every change made since the snapshot.'}
      </p>
      {losses.length > 0 && <Findings findings={losses} />}
    </div>
  );
}

interface TickProps extends ConsentProps {
  checked: boolean;
  onChange: (checked: boolean) => void;
}

/** Offered by default: the way back, should the restore not be what was wanted. */
export function SafetyField({ checked, onChange, target }: TickProps) {
  return (
    <CheckField
      label={`Back up ${target.database} first`}
      help="A safety snapshot of everything in it, taken with the stored account. If it fails, the restore does not begin."
      checked={checked}
      onChange={onChange}
    />
  );
}

/** Sessions that stand in the way are ended only if somebody says so. */
export function SessionsField({ checked, onChange, preflight, target }: TickProps) {
  const sessions = preflight.target.sessions ?? 0;
  const now = `There ${sessions === 1 ? 'is' : 'are'} ${count(sessions, 'session')} now`;
  return (
    <CheckField
      label={`End live sessions on ${target.database} for the ${target.mode === 'swap' ? 'exchange' : 'restore'}`}
      help={
        target.mode === 'swap'
          ? `${now}; without this the exchange is refused while any is open.`
          : `${now}; without this the restore waits for what they hold, or is refused.`
      }
      checked={checked}
      onChange={onChange}
    />
  );
}
