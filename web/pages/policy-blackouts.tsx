import { Plus } from 'lucide-react';
import type { Schedule } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { TextField } from '../components/field.tsx';
import { DaysField } from './policy-timing.tsx';

type Blackouts = Schedule['blackouts'];

interface BlackoutFieldsProps {
  blackouts: Blackouts;
  onChange: (blackouts: Blackouts) => void;
}

/** Parts of the week in which nothing begins by itself. */
export function BlackoutFields({ blackouts, onChange }: BlackoutFieldsProps) {
  const change = (at: number, change: Partial<Blackouts[number]>) =>
    onChange(blackouts.map((one, index) => (index === at ? { ...one, ...change } : one)));
  const add = () => onChange([...blackouts, { days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' }]);
  return (
    <div className="grid gap-3">
      {blackouts.map((one, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they have no name, and keep their places
        <fieldset key={index} className="grid gap-3 rounded-control border border-line p-3">
          <legend className="px-1 font-medium">Nothing begins by itself</legend>
          <DaysField days={one.days} onChange={(days) => change(index, { days })} />
          <div className="grid gap-3 sm:grid-cols-2">
            <TextField
              label="From"
              type="time"
              required
              value={one.from}
              onChange={(from) => change(index, { from })}
            />
            <TextField
              label="To"
              type="time"
              required
              value={one.to}
              onChange={(to) => change(index, { to })}
            />
          </div>
          <Button
            size="small"
            className="justify-self-start"
            onClick={() => onChange(blackouts.filter((_, at) => at !== index))}
          >
            Remove
          </Button>
        </fieldset>
      ))}
      <Button size="small" className="justify-self-start" onClick={add}>
        <Plus aria-hidden size={14} />
        Add a blackout
      </Button>
    </div>
  );
}
