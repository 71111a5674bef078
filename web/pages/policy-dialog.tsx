import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { Policy, Schedule } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { CheckField, TextField } from '../components/field.tsx';
import { BlackoutFields } from './policy-blackouts.tsx';
import { DrillFields } from './policy-drill.tsx';
import { RetentionFields, RetentionPreview, type Rules } from './policy-retention.tsx';
import { draftOf, TimingFields, timingOf } from './policy-timing.tsx';

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone')];

function labelsIn(text: string): string[] {
  return text.split(',').flatMap((one) => one.trim() || []);
}

/** Adds a policy, or changes one. */
export function PolicyDialog({ onClose, policy }: { policy?: Policy; onClose: () => void }) {
  const [name, setName] = useState(policy?.name ?? '');
  const [timing, setTiming] = useState(draftOf(policy?.schedule.timing));
  const [more, setMore] = useState<Omit<Schedule, 'timing'>>(
    policy?.schedule ?? { timeZone: HERE, spreadMinutes: 0, catchUp: true, blackouts: [] },
  );
  const [retention, setRetention] = useState<Rules | null>(policy?.retention ?? null);
  const [everywhere, setEverywhere] = useState(policy?.everywhere ?? false);
  const [labels, setLabels] = useState(policy?.labels.join(', ') ?? '');
  const [drill, setDrill] = useState(policy?.drill ?? null);
  const { blackouts, catchUp, spreadMinutes, timeZone } = more;
  const schedule = { timing: timingOf(timing), timeZone, spreadMinutes, catchUp, blackouts };
  const draft = { schedule, retention, drill, everywhere, labels: labelsIn(labels) };
  const set = (change: Partial<typeof more>) => setMore({ ...more, ...change });
  const save = useMutation({
    mutationFn: () => {
      const wish = { name, ...draft };
      return policy ? acts.changePolicy(policy.id, wish) : acts.addPolicy(wish);
    },
    onSuccess: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Dialog title={policy ? `Change ${policy.name}` : 'Add policy'} onClose={onClose} wide>
      <form className="grid gap-4" onSubmit={submit}>
        <TextField label="Name" required maxLength={60} autoComplete="off" value={name} onChange={setName} />
        <TimingFields draft={timing} onChange={setTiming} />
        <TextField
          label="Time zone"
          required
          list="time-zones"
          autoComplete="off"
          spellCheck={false}
          value={timeZone}
          onChange={(zone) => set({ timeZone: zone })}
        />
        <datalist id="time-zones">
          {ZONES.map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
        <Preview schedule={schedule} />
        <TextField
          label="Spread over minutes"
          help="Databases with this policy begin one by one within that time, each always at the same."
          type="number"
          min={0}
          max={1440}
          required
          value={String(spreadMinutes)}
          onChange={(minutes) => set({ spreadMinutes: Number(minutes) })}
        />
        <CheckField
          label="Catch up"
          help="What was due while Homeport was down begins once it is back, once. Else it waits for the next time."
          checked={catchUp}
          onChange={(on) => set({ catchUp: on })}
        />
        <BlackoutFields blackouts={blackouts} onChange={(next) => set({ blackouts: next })} />
        <RetentionFields rules={retention} onChange={setRetention} />
        <DrillFields drill={drill} onChange={setDrill} />
        <TextField
          label="For agents with the labels"
          optional
          help="With commas between them. A label is of one policy."
          autoComplete="off"
          spellCheck={false}
          value={labels}
          onChange={setLabels}
        />
        <CheckField
          label="For everything"
          help="For all databases, now and later, that nothing nearer decides about. One policy can be."
          checked={everywhere}
          onChange={setEverywhere}
        />
        {retention && <RetentionPreview draft={{ ...draft, ...(policy ? { id: policy.id } : {}) }} />}
        <ErrorCard error={save.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** When it comes next, or why it cannot. */
function Preview({ schedule }: { schedule: Schedule }) {
  const preview = useQuery(queries.schedulePreview(schedule));
  if (preview.error) return <ErrorCard error={preview.error} />;
  const format = new Intl.DateTimeFormat(undefined, {
    ...({ weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } as const),
    timeZone: schedule.timeZone,
  });
  return (
    <section aria-label="Next times" aria-live="polite" className="grid gap-1 rounded-control bg-raised p-3">
      <p className="text-sm font-medium">Next times</p>
      <ul className="min-h-25 text-sm text-ink-2">
        {preview.data?.runs.map((run) => (
          <li key={run}>
            <time dateTime={run}>{format.format(new Date(run))}</time>
          </li>
        ))}
      </ul>
    </section>
  );
}
