import type { Policy, Snapshot } from '../api/types.ts';

type Rules = NonNullable<Policy['retention']>;
type Reason = Snapshot['kept'][number];

/** The rules, in the order in which they are asked for. */
export const RULES = [
  { rule: 'last', label: 'The newest', unit: 'snapshots' },
  { rule: 'withinDays', label: 'All of the last', unit: 'days' },
  { rule: 'hourly', label: 'One an hour', unit: 'hours' },
  { rule: 'daily', label: 'One a day', unit: 'days' },
  { rule: 'weekly', label: 'One a week', unit: 'weeks' },
  { rule: 'monthly', label: 'One a month', unit: 'months' },
  { rule: 'yearly', label: 'One a year', unit: 'years' },
] as const satisfies { rule: keyof Rules; label: string; unit: string }[];

/** What stays, in a line. */
export function retentionWords(rules: Rules | null): string {
  if (rules === null) return 'Keeps every snapshot';
  const parts = RULES.filter(({ rule }) => rules[rule] > 0).map(({ rule }) => {
    if (rule === 'last') return `the newest ${rules.last}`;
    return rule === 'withinDays' ? `all of ${rules.withinDays} days` : `${rules[rule]} ${rule}`;
  });
  return `Keeps ${parts.join(', ')}`;
}

/** Why a snapshot stays. */
export function reasonWords(reason: Reason): string {
  switch (reason.rule) {
    case 'pinned':
      return 'pinned';
    case 'newest':
      return 'the newest';
    case 'last':
      return 'among the newest';
    case 'damaged':
      return 'damaged, so no rule counts it';
    case 'drilled':
      return 'the newest that passed a drill';
    case 'within':
      return 'recent';
    default:
      return `${reason.rule} ${reason.period}`;
  }
}
