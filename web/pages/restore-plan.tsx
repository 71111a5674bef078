import { useMutation } from '@tanstack/react-query';
import { ArchiveRestore } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import type { OwnerChoice, RestoreMode, RestoreSwitch } from '../../protocol/engines/engine.ts';
import { acts } from '../api/acts.ts';
import type { EngineDescriptor, Job, RestoreOrder, RestorePreflight } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { CheckField, TextField } from '../components/field.tsx';
import { Card } from '../components/layout.tsx';
import { SafetyField, SessionsField, WhatHappens } from './restore-consent.tsx';
import { firstOwners, type Owners, OwnersField, ownersComplete } from './restore-owners.tsx';
import type { Target } from './restore-target.tsx';
import { isPossible } from './restore-verdict.tsx';

const ACT = {
  new: 'Restore',
  swap: 'Restore and exchange',
  'in-place': 'Replace what is there',
} satisfies Record<RestoreMode, string>;

interface RestorePlanFormProps {
  engine: EngineDescriptor;
  preflight: RestorePreflight;
  /** The account it was checked with, where one was given for this restore alone. */
  sealed: string | undefined;
  target: Target;
  serverName: string;
  snapshotId: string;
  onStarted: (job: Job) => void;
}

/** What goes where, and as whose, as chosen. */
function planOf(
  { database, mode }: Target,
  { choice, mapTo }: Owners & { choice: OwnerChoice },
  switches: RestoreSwitch[],
) {
  return {
    mode,
    targetDatabase: database,
    owners: choice,
    ...(choice === 'map' ? { mapTo: mapTo.trim() } : {}),
    ...(switches.length > 0 ? { switches } : {}),
  };
}

/** Owners, consent, the typed name; shown only where the chosen mode is possible. */
export function RestorePlanForm(props: RestorePlanFormProps) {
  const { engine, preflight, sealed, snapshotId, target } = props;
  const [owners, setOwners] = useState(() => firstOwners(preflight));
  const [endSessions, setEndSessions] = useState(false);
  const [safety, setSafety] = useState(true);
  const [switches, setSwitches] = useState<RestoreSwitch[]>([]);
  const [typed, setTyped] = useState('');
  const start = useMutation({
    mutationFn: (order: RestoreOrder) => acts.restore(snapshotId, order),
    onSuccess: props.onStarted,
  });
  const replaces = target.mode !== 'new' && preflight.target.exists;
  const inPlace = target.mode === 'in-place';
  if (!isPossible(preflight, target.mode)) return null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!owners.choice) return;
    start.mutate({
      serverId: target.serverId,
      plan: { ...planOf(target, { ...owners, choice: owners.choice }, switches), endSessions },
      confirm: typed,
      ...(inPlace ? { safetySnapshot: safety } : {}),
      ...(sealed === undefined ? {} : { sealed }),
    });
  };
  return (
    <Card title="3. Restore">
      <form className="grid gap-5" onSubmit={submit}>
        <OwnersField engine={engine} preflight={preflight} owners={owners} onChange={setOwners} />
        {engine.restoreSwitches.map(({ help, id, label }) => (
          <CheckField
            key={id}
            label={label}
            help={help}
            checked={switches.includes(id)}
            onChange={(on) => setSwitches(on ? [...switches, id] : switches.filter((one) => one !== id))}
          />
        ))}
        {replaces && inPlace && <SafetyField {...props} checked={safety} onChange={setSafety} />}
        {replaces && (preflight.target.sessions ?? 0) > 0 && (
          <SessionsField {...props} checked={endSessions} onChange={setEndSessions} />
        )}
        {replaces && <WhatHappens {...props} safety={safety} />}
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
            look={replaces ? 'danger' : 'primary'}
            type="submit"
            busy={start.isPending}
            disabled={typed !== target.database || !ownersComplete(owners)}
          >
            <ArchiveRestore aria-hidden size={16} />
            {ACT[target.mode]}
          </Button>
        </div>
      </form>
    </Card>
  );
}
