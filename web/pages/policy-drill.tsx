import type { Policy } from '../api/types.ts';
import { Field, TextField } from '../components/field.tsx';

type Drill = Policy['drill'];

const USUAL = [
  { days: 1, label: 'Each day' },
  { days: 7, label: 'Each week' },
  { days: 30, label: 'Each month' },
];

interface DrillFieldsProps {
  drill: Drill;
  onChange: (drill: Drill) => void;
}

/** How often the newest snapshot is tried out by itself. */
export function DrillFields({ drill, onChange }: DrillFieldsProps) {
  const usual = USUAL.find(({ days }) => days === drill?.everyDays);
  const value = drill === null ? 'off' : usual ? String(usual.days) : 'other';
  const choose = (wish: string) =>
    onChange(wish === 'off' ? null : { everyDays: wish === 'other' ? 14 : Number(wish) });
  return (
    <>
      <Field
        label="Drills"
        help="The newest snapshot is restored on a server that its agent starts for that alone, checked, and dropped."
      >
        {(attributes) => (
          <select
            {...attributes}
            className="control"
            value={value}
            onChange={(event) => choose(event.target.value)}
          >
            <option value="off">By hand only</option>
            {USUAL.map(({ days, label }) => (
              <option key={days} value={days}>
                {label}
              </option>
            ))}
            <option value="other">Each so many days</option>
          </select>
        )}
      </Field>
      {drill !== null && value === 'other' && (
        <TextField
          label="Days from one drill to the next"
          type="number"
          min={1}
          max={366}
          required
          value={String(drill.everyDays)}
          onChange={(days) => onChange({ everyDays: Number(days) })}
        />
      )}
    </>
  );
}
