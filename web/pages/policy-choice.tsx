import { useMutation, useQuery } from '@tanstack/react-query';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { Database } from '../api/types.ts';
import { ErrorCard } from '../components/failure.tsx';
import { Field } from '../components/field.tsx';
import { Card } from '../components/layout.tsx';
import { useMay } from '../components/may.tsx';
import { Time } from '../components/time.tsx';
import { sourceWords } from './policy-words.ts';

interface PolicySelectProps {
  label: string;
  help?: string;
  /** `inherit`, `none` or the id of a policy. */
  value: string;
  /** What it means to inherit. */
  inherit: string;
  onChange: (value: string) => void;
}

export function PolicySelect({ help, inherit, label, onChange, value }: PolicySelectProps) {
  const policies = useQuery(queries.policies());
  return (
    <Field label={label} {...(help === undefined ? {} : { help })}>
      {(attributes) => (
        <select
          {...attributes}
          className="control"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        >
          <option value="inherit">{inherit}</option>
          {policies.data?.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
          <option value="none">By hand only</option>
        </select>
      )}
    </Field>
  );
}

interface ChoiceProps {
  kind: 'servers' | 'agents' | 'databases';
  id: string;
  value: string;
  inherit: string;
  help?: string;
}

/** Chooses for one thing by itself; saved at once. */
function PolicyChoice({ help, id, inherit, kind, value }: ChoiceProps) {
  const choose = useMutation({ mutationFn: (policy: string) => acts.choosePolicy(kind, id, policy) });
  return (
    <div className="grid gap-3 sm:max-w-md">
      <PolicySelect
        label="Policy"
        {...(help === undefined ? {} : { help })}
        inherit={inherit}
        value={choose.isPending ? choose.variables : value}
        onChange={(policy) => choose.mutate(policy)}
      />
      <ErrorCard error={choose.error} />
    </div>
  );
}

/** When a database is backed up by itself, and what decides that. */
export function DatabaseScheduleCard({ database }: { database: Database }) {
  const may = useMay();
  const { policyChoice, schedule } = database;
  if (!database.protected) return null;
  return (
    <Card title="Schedule" label="Schedule">
      <div className="grid gap-4">
        {schedule ? (
          <p>
            {schedule.nextAt ? (
              <>
                Next backup <Time iso={schedule.nextAt} />,{' '}
              </>
            ) : (
              'Never again, '
            )}
            by the policy {schedule.policyName}, {sourceWords(schedule)}.
          </p>
        ) : (
          <p className="text-ink-2">
            It is backed up by hand only:{' '}
            {policyChoice === 'none' ? 'so it was chosen' : 'no policy is for it'}.
          </p>
        )}
        {schedule?.skipped && (
          <p className="text-ink-2">
            Passed over <Time iso={schedule.skipped.at} />: {schedule.skipped.why}
          </p>
        )}
        {may('configure') && (
          <PolicyChoice
            kind="databases"
            id={database.id}
            value={policyChoice}
            inherit="As its server and agent have it"
          />
        )}
      </div>
    </Card>
  );
}

interface DefaultCardProps {
  kind: 'servers' | 'agents';
  id: string;
  value: string;
}

/** The policy for the databases of a server or an agent. */
export function PolicyDefaultCard({ id, kind, value }: DefaultCardProps) {
  return (
    <Card title="Schedule" label="Schedule">
      <PolicyChoice
        {...{ id, kind, value }}
        inherit={
          kind === 'servers' ? 'As its agent has it' : 'As its labels have it, or what is for everything'
        }
        help="For its databases that have no choice of their own."
      />
    </Card>
  );
}
