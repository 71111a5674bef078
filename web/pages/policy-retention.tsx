import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries.ts';
import type { PolicyDraft, Snapshot } from '../api/types.ts';
import { ErrorCard } from '../components/failure.tsx';
import { ChoiceField, TextField } from '../components/field.tsx';
import { count } from '../components/format.ts';
import { Time } from '../components/time.tsx';
import { RULES } from './retention-words.ts';

export type Rules = NonNullable<PolicyDraft['retention']>;

/** What a policy has that says nothing yet: two weeks of days, two months of weeks, a year of months. */
const FIRST = {
  last: 3,
  withinDays: 0,
  hourly: 0,
  daily: 14,
  weekly: 8,
  monthly: 12,
  yearly: 0,
  graceDays: 7,
};

interface RetentionFieldsProps {
  rules: Rules | null;
  onChange: (rules: Rules | null) => void;
}

/** Which snapshots stay. */
export function RetentionFields({ onChange, rules }: RetentionFieldsProps) {
  const set = (name: keyof Rules) => (typed: string) =>
    rules && onChange({ ...rules, [name]: Number(typed) });
  return (
    <>
      <ChoiceField<'all' | 'rules'>
        legend="Snapshots"
        value={rules === null ? 'all' : 'rules'}
        onChange={(next) => onChange(next === 'all' ? null : FIRST)}
        choices={[
          { value: 'all', label: 'Keep all' },
          { value: 'rules', label: 'Keep by rules' },
        ]}
      />
      {rules && (
        <fieldset className="grid gap-3 rounded-control border border-line p-3">
          <legend className="px-1 font-medium">What any of these keeps stays</legend>
          <div className="grid grid-cols-2 gap-3 sm:grid-cols-3">
            {RULES.map(({ label, rule, unit }) => (
              <TextField
                key={rule}
                label={label}
                help={unit}
                type="number"
                min={0}
                max={rule === 'withinDays' ? 3650 : rule === 'yearly' ? 100 : 1000}
                required
                value={String(rules[rule])}
                onChange={set(rule)}
              />
            ))}
          </div>
          <TextField
            label="Days of grace"
            help="What nothing keeps is deleted that many days later: until then it can be pinned."
            type="number"
            min={0}
            max={365}
            required
            value={String(rules.graceDays)}
            onChange={set('graceDays')}
          />
        </fieldset>
      )}
    </>
  );
}

/** What would be deleted, were the policy saved like this. */
export function RetentionPreview({ draft }: { draft: PolicyDraft }) {
  const preview = useQuery(queries.retentionPreview(draft));
  if (preview.error) return <ErrorCard error={preview.error} />;
  const { databases = 0, deleted = [], deletes = 0, snapshots = 0 } = preview.data ?? {};
  const days = draft.retention?.graceDays ?? 0;
  return (
    <section
      aria-label="What would be deleted"
      aria-live="polite"
      className="grid gap-1 rounded-control bg-raised p-3"
    >
      <p className="text-sm font-medium">
        {deletes === 0
          ? `Deletes nothing of ${count(snapshots, 'snapshot')} of ${count(databases, 'database')}`
          : `Deletes ${deletes.toLocaleString()} of ${count(snapshots, 'snapshot')} of ${count(databases, 'database')}, in ${count(days, 'day')}`}
      </p>
      {deleted.length > 0 && (
        <ul className="max-h-32 overflow-y-auto text-sm text-ink-2">
          {deleted.map((one) => (
            <li key={one.id}>
              <Going {...one} />
            </li>
          ))}
          {deletes > deleted.length && <li>and {(deletes - deleted.length).toLocaleString()} more</li>}
        </ul>
      )}
    </section>
  );
}

function Going({
  createdAt,
  databaseName,
  sequence,
}: Pick<Snapshot, 'createdAt' | 'databaseName' | 'sequence'>) {
  return (
    <>
      {databaseName} number {sequence.toLocaleString()}, <Time iso={createdAt} mode="local" />
    </>
  );
}
