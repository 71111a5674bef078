import type { OwnerChoice } from '../../protocol/engines/engine.ts';
import type { EngineDescriptor, RestorePreflight } from '../api/types.ts';
import { CodeBlock } from '../components/copy.tsx';
import { ChoiceField, TextField } from '../components/field.tsx';

/** Whose things are, or in whose name they run, as chosen so far. */
export interface Owners {
  choice: OwnerChoice | undefined;
  mapTo: string;
}

/** The first choice that is possible. */
export function firstOwners(preflight: RestorePreflight): Owners {
  return { choice: preflight.ownerChoices.find(({ possible }) => possible)?.choice, mapTo: '' };
}

/** Whether a restore could start with it. */
export function ownersComplete({ choice, mapTo }: Owners): boolean {
  return choice !== undefined && (choice !== 'map' || mapTo.trim() !== '');
}

interface OwnersFieldProps {
  engine: EngineDescriptor;
  preflight: RestorePreflight;
  owners: Owners;
  onChange: (owners: Owners) => void;
}

/** The engine's owner choices with what stands in their way; nothing where there is no choice at all. */
export function OwnersField({ engine, onChange, owners, preflight }: OwnersFieldProps) {
  if (engine.ownerChoices.length < 2 && owners.choice) return null;
  const choices = preflight.ownerChoices.flatMap(({ choice, possible, reason }) => {
    const words = engine.ownerChoices.find(({ id }) => id === choice);
    if (!words) return [];
    const help = possible ? words.help : reason || words.help;
    return [{ value: choice, label: words.label, help, disabled: !possible }];
  });
  return (
    <div className="grid gap-3">
      <ChoiceField
        legend={engine.ownership.legend}
        choices={choices}
        value={owners.choice}
        onChange={(choice) => onChange({ ...owners, choice })}
      />
      {owners.choice === 'map' && (
        <TextField
          label={engine.ownership.mapLabel}
          required
          pattern=".*\S.*"
          title={engine.ownership.mapHelp}
          autoComplete="off"
          spellCheck={false}
          help={engine.ownership.mapHelp}
          value={owners.mapTo}
          onChange={(mapTo) => onChange({ ...owners, mapTo })}
        />
      )}
      <Cures engine={engine} preflight={preflight} />
    </div>
  );
}

/** The SQL that would make a choice possible. */
function Cures({ engine, preflight }: Pick<OwnersFieldProps, 'engine' | 'preflight'>) {
  return preflight.ownerChoices.map(({ choice, possible, sql }) => {
    const label = engine.ownerChoices.find(({ id }) => id === choice)?.label;
    if (possible || !sql || !label) return null;
    return (
      <details key={choice}>
        <summary className="text-sm font-medium text-ink-2">What makes “{label}” possible</summary>
        <div className="mt-2">
          <CodeBlock text={sql} label={`SQL that makes “${label}” possible`} />
        </div>
      </details>
    );
  });
}
