import type { Schedule } from '../api/types.ts';
import { CheckField, ChoiceField, Field, TextField } from '../components/field.tsx';
import { DAYS } from './policy-words.ts';

type Kind = Schedule['timing']['kind'];

/** A schedule as it is typed; only what belongs to its kind is used. */
export interface TimingDraft {
  kind: Kind;
  minute: string;
  at: string;
  days: number[];
  day: string;
  expression: string;
}

export function draftOf(timing: Schedule['timing'] | undefined): TimingDraft {
  const nothing = { minute: '0', at: '02:00', days: [7], day: 'last', expression: '0 2 * * *' };
  if (!timing) return { kind: 'daily', ...nothing };
  return {
    ...nothing,
    ...Object.fromEntries(
      Object.entries(timing).map(([name, value]) => [name, Array.isArray(value) ? value : String(value)]),
    ),
  } as TimingDraft;
}

export function timingOf(draft: TimingDraft): Schedule['timing'] {
  const { at, days, expression, kind } = draft;
  switch (kind) {
    case 'hourly':
      return { kind, minute: Number(draft.minute) };
    case 'daily':
      return { kind, at };
    case 'weekly':
      return { kind, days, at };
    case 'monthly':
      return { kind, day: draft.day === 'last' ? 'last' : Number(draft.day), at };
    default:
      return { kind: 'cron', expression };
  }
}

interface TimingFieldsProps {
  draft: TimingDraft;
  onChange: (draft: TimingDraft) => void;
}

export function TimingFields({ draft, onChange }: TimingFieldsProps) {
  const set = (change: Partial<TimingDraft>) => onChange({ ...draft, ...change });
  const { kind } = draft;
  return (
    <>
      <ChoiceField<Kind>
        legend="How often"
        value={kind}
        onChange={(next) => set({ kind: next })}
        choices={[
          { value: 'hourly', label: 'Each hour' },
          { value: 'daily', label: 'Each day' },
          { value: 'weekly', label: 'On days of the week' },
          { value: 'monthly', label: 'Each month' },
          { value: 'cron', label: 'Cron expression' },
        ]}
      />
      {kind === 'hourly' && (
        <TextField
          label="Minutes past the hour"
          type="number"
          min={0}
          max={59}
          required
          value={draft.minute}
          onChange={(minute) => set({ minute })}
        />
      )}
      {kind === 'weekly' && <DaysField days={draft.days} onChange={(days) => set({ days })} />}
      {kind === 'monthly' && <DayField day={draft.day} onChange={(day) => set({ day })} />}
      {kind !== 'hourly' && kind !== 'cron' && (
        <TextField label="At" type="time" required value={draft.at} onChange={(at) => set({ at })} />
      )}
      {kind === 'cron' && (
        <TextField
          label="Expression"
          help="Five fields: minute, hour, day of the month, month, day of the week."
          required
          spellCheck={false}
          autoComplete="off"
          value={draft.expression}
          onChange={(expression) => set({ expression })}
        />
      )}
    </>
  );
}

export function DaysField({ days, onChange }: { days: number[]; onChange: (days: number[]) => void }) {
  const toggle = (day: number, on: boolean) =>
    onChange(on ? [...days, day] : days.filter((one) => one !== day));
  return (
    <fieldset>
      <legend className="mb-1.5 font-medium">Days</legend>
      <div className="flex flex-wrap gap-x-5 gap-y-2">
        {DAYS.map((name, index) => (
          <CheckField
            key={name}
            label={name}
            checked={days.includes(index + 1)}
            onChange={(on) => toggle(index + 1, on)}
          />
        ))}
      </div>
    </fieldset>
  );
}

function DayField({ day, onChange }: { day: string; onChange: (day: string) => void }) {
  return (
    <Field label="Day of the month">
      {(attributes) => (
        <select
          {...attributes}
          className="control"
          value={day}
          onChange={(event) => onChange(event.target.value)}
        >
          {Array.from({ length: 28 }, (_, n) => String(n + 1)).map((one) => (
            <option key={one}>{one}</option>
          ))}
          <option value="last">The last</option>
        </select>
      )}
    </Field>
  );
}
