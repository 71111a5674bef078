import { useState } from 'react';
import { labelsIn } from '../api/labels.ts';
import type { ExtraRight, Role, Standing } from '../api/types.ts';
import { CheckField, ChoiceField, TextField } from '../components/field.tsx';
import { useMay } from '../components/may.tsx';
import { EXTRA_WORDS, ROLE_WORDS } from './role-words.ts';

const EXTRAS = Object.keys(EXTRA_WORDS) as ExtraRight[];

interface StandingDraft {
  role: Role;
  extraRights: ExtraRight[];
  /** Whether only agents with some labels are seen. */
  limited: boolean;
  labels: string;
}

/** What somebody may do, while it is being chosen. */
export function useStanding(initial: Standing) {
  const { extraRights, labels, role } = initial;
  const [draft, setDraft] = useState<StandingDraft>({
    role,
    extraRights: [...extraRights],
    limited: labels !== null,
    labels: labels?.join(' ') ?? '',
  });
  const owner = draft.role === 'owner';
  const standing: Standing = {
    role: draft.role,
    extraRights: draft.extraRights.filter((right) => isOffered(right, draft.role)),
    labels: draft.limited && !owner ? labelsIn(draft.labels) : null,
  };
  return { draft, setDraft, standing };
}

/** Owners have every right anyway; only admins could end anything. */
function isOffered(right: ExtraRight, role: Role): boolean {
  return role !== 'owner' && (right !== 'delete' || role === 'admin');
}

type Chosen = Pick<ReturnType<typeof useStanding>, 'draft' | 'setDraft'>;

/** Role, rights and reach; offers what whoever gives them may give. */
export function StandingFields({ draft, setDraft }: Chosen) {
  const may = useMay();
  const roles = (Object.keys(ROLE_WORDS) as Role[]).filter(
    (role) => may('own') || role === 'viewer' || role === 'operator' || (role === 'admin' && draft.limited),
  );
  const tick = (right: ExtraRight, on: boolean) => {
    const others = draft.extraRights.filter((one) => one !== right);
    setDraft({ ...draft, extraRights: on ? [...others, right] : others });
  };
  return (
    <>
      <ChoiceField
        legend="Role"
        value={draft.role}
        onChange={(role) => setDraft({ ...draft, role })}
        choices={roles.map((role) => ({ value: role, ...ROLE_WORDS[role] }))}
      />
      {draft.role !== 'owner' && (
        <>
          <fieldset className="grid gap-2.5">
            <legend className="mb-1.5 font-medium">May also</legend>
            {EXTRAS.filter((right) => isOffered(right, draft.role)).map((right) => (
              <CheckField
                key={right}
                {...EXTRA_WORDS[right]}
                checked={draft.extraRights.includes(right)}
                disabled={!may(right)}
                onChange={(on) => tick(right, on)}
              />
            ))}
          </fieldset>
          <CheckField
            label="Only agents with certain labels"
            help="All else looks as if it did not exist: a team sees its own."
            checked={draft.limited}
            onChange={(limited) => setDraft({ ...draft, limited })}
          />
          {draft.limited && (
            <TextField
              label="Labels"
              required
              autoComplete="off"
              spellCheck={false}
              help="With blanks between them; an agent with any of them is seen."
              value={draft.labels}
              onChange={(labels) => setDraft({ ...draft, labels })}
            />
          )}
        </>
      )}
    </>
  );
}
