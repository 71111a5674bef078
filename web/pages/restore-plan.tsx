import { useMutation } from '@tanstack/react-query';
import { ArchiveRestore } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import type { OwnerChoice } from '../../protocol/engines/engine.ts';
import { acts } from '../api/acts.ts';
import type { EngineDescriptor, Job, RestorePlan, RestorePreflight } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { ChoiceField, TextField } from '../components/field.tsx';
import { count, formatBytes } from '../components/format.ts';
import { Card } from '../components/layout.tsx';
import type { Target } from './restore-target.tsx';

interface RestorePlanFormProps {
  engine: EngineDescriptor;
  preflight: RestorePreflight;
  target: Target;
  serverName: string;
  snapshotId: string;
  onStarted: (job: Job) => void;
}

/** Owners, consent, the typed name; shown only where the chosen mode is possible. */
export function RestorePlanForm(props: RestorePlanFormProps) {
  const { preflight, target, snapshotId } = props;
  const [owners, setOwners] = useState<OwnerChoice | undefined>(
    () => preflight.ownerChoices.find(({ possible }) => possible)?.choice,
  );
  const [mapTo, setMapTo] = useState('');
  const [endSessions, setEndSessions] = useState(false);
  const [typed, setTyped] = useState('');
  const start = useMutation({
    mutationFn: (plan: RestorePlan) =>
      acts.restore(snapshotId, { serverId: target.serverId, plan, confirm: typed }),
    onSuccess: props.onStarted,
  });
  const swap = target.mode === 'swap';
  const sessions = preflight.target.sessions ?? 0;
  const blocked =
    preflight.findings.some(
      ({ modes, severity }) => severity === 'blocker' && (!modes || modes.includes(target.mode)),
    ) || !preflight.modes.find(({ mode }) => mode === target.mode)?.possible;
  if (blocked) return null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!owners) return;
    start.mutate({
      mode: target.mode,
      targetDatabase: target.database,
      owners,
      ...(owners === 'map' ? { mapTo } : {}),
      endSessions,
    });
  };
  return (
    <Card title="3. Restore">
      <form className="grid gap-5" onSubmit={submit}>
        <OwnerField {...props} value={owners} onChange={setOwners} />
        {owners === 'map' && (
          <TextField
            label={props.engine.ownership.mapLabel}
            required
            autoComplete="off"
            spellCheck={false}
            help={props.engine.ownership.mapHelp}
            value={mapTo}
            onChange={setMapTo}
          />
        )}
        {swap && preflight.target.exists && <WhatHappens {...props} />}
        {swap && sessions > 0 && (
          <label className="flex gap-3">
            <input
              type="checkbox"
              className="mt-0.5"
              checked={endSessions}
              onChange={(event) => setEndSessions(event.target.checked)}
            />
            <span>
              End live sessions on {target.database} for the exchange. There {sessions === 1 ? 'is' : 'are'}{' '}
              {count(sessions, 'session')} now; without this the exchange is refused while any is open.
            </span>
          </label>
        )}
        <TextField
          label={`Type “${target.database}” to confirm`}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={setTyped}
        />
        <ErrorCard error={start.error} />
        <div className="flex justify-end">
          <Button
            look={swap ? 'danger' : 'primary'}
            type="submit"
            busy={start.isPending}
            disabled={typed !== target.database || !owners}
          >
            <ArchiveRestore aria-hidden size={16} />
            {swap ? 'Restore and exchange' : 'Restore'}
          </Button>
        </div>
      </form>
    </Card>
  );
}

interface OwnerFieldProps extends RestorePlanFormProps {
  value: OwnerChoice | undefined;
  onChange: (choice: OwnerChoice) => void;
}

function OwnerField({ engine, preflight, value, onChange }: OwnerFieldProps) {
  const choices = preflight.ownerChoices.flatMap(({ choice, possible, reason }) => {
    const words = engine.ownerChoices.find(({ id }) => id === choice);
    if (!words) return [];
    const help = possible ? words.help : reason || words.help;
    return [{ value: choice, label: words.label, help, disabled: !possible }];
  });
  const cures = preflight.ownerChoices.flatMap(({ choice, possible, sql }) => {
    const label = engine.ownerChoices.find(({ id }) => id === choice)?.label;
    return possible || !sql || !label ? [] : [{ choice, label, sql }];
  });
  return (
    <div className="grid gap-3">
      <ChoiceField legend={engine.ownership.legend} choices={choices} value={value} onChange={onChange} />
      {cures.map(({ choice, label, sql }) => (
        <details key={choice}>
          <summary className="text-sm font-medium text-ink-2">What makes “{label}” possible</summary>
          <div className="mt-2">
            <CodeBlock text={sql} label={`SQL that makes “${label}” possible`} />
          </div>
        </details>
      ))}
    </div>
  );
}

function WhatHappens({ preflight, target, serverName }: RestorePlanFormProps) {
  const { sizeBytes, keptAs } = preflight.target;
  return (
    <p className="rounded-control border border-warn/40 bg-warn-soft px-3 py-2.5">
      <strong className="font-semibold">{target.database}</strong> on {serverName}
      {sizeBytes !== undefined && ` (${formatBytes(sizeBytes)})`} is replaced by the snapshot. What is in it
      now is kept{keptAs ? ` as “${keptAs}”` : ' under another name'} until you drop it; changes made since
      the snapshot are only there.
    </p>
  );
}
