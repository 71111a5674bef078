import type { Vault } from '../api/types.ts';
import { Field, TextField } from '../components/field.tsx';

/** What a person chooses about locking; the days stay as they were typed. */
export interface LockDraft {
  mode: 'off' | 'governance' | 'compliance';
  days: string;
}

const MODES = [
  { value: 'off', label: 'No', help: 'Whoever has the access key can delete backups.' },
  {
    value: 'governance',
    label: 'Yes, governance',
    help: 'Until then only who has the right s3:BypassGovernanceRetention can delete it.',
  },
  {
    value: 'compliance',
    label: 'Yes, compliance',
    help: 'Until then nobody can delete it, not even the owner of the account. This cannot be taken back.',
  },
] as const;

/** Whether what a backup needs is kept from being deleted. */
export function LockFields({ draft, onChange }: { draft: LockDraft; onChange: (draft: LockDraft) => void }) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field
        label="Lock backups (Object Lock)"
        help={MODES.find(({ value }) => value === draft.mode)?.help ?? ''}
      >
        {(attributes) => (
          <select
            {...attributes}
            className="control"
            value={draft.mode}
            onChange={(event) => onChange({ ...draft, mode: event.target.value as LockDraft['mode'] })}
          >
            {MODES.map(({ label, value }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        )}
      </Field>
      {draft.mode !== 'off' && (
        <TextField
          label="For days"
          required
          type="number"
          min={1}
          max={36_500}
          step={1}
          value={draft.days}
          onChange={(days) => onChange({ ...draft, days })}
          help="From each backup on. The bucket must have been made with Object Lock."
        />
      )}
    </div>
  );
}

/** How a bucket locks, in words; undefined where it does not. */
export function lockText(bucket: Vault['bucket']): string | undefined {
  if (!bucket?.lock) return undefined;
  const { days, liftable, mode } = bucket.lock;
  const span = `${days.toLocaleString()} ${days === 1 ? 'day' : 'days'} from each backup on, ${mode}`;
  return liftable ? `${span}; the vault’s own access key can lift it` : span;
}
