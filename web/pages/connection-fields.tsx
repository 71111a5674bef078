import type { EngineDescriptor, FieldDescriptor } from '../api/types.ts';
import { ChoiceField, Field, TextField } from '../components/field.tsx';

interface ConnectionFieldsProps {
  engine: EngineDescriptor;
  values: Record<string, string>;
  /** The password is asked for again, because nobody here knows it. */
  retyped: boolean;
  onChange: (name: string, value: string) => void;
}

/** The engine's fields; what is rarely needed is folded away. */
export function ConnectionFields({ engine, values, retyped, onChange }: ConnectionFieldsProps) {
  const isRare = (field: FieldDescriptor) => !field.required && field.kind !== 'secret';
  const draw = (field: FieldDescriptor) => (
    <ConnectionField
      key={field.name}
      field={field}
      retyped={retyped}
      value={values[field.name] ?? ''}
      onChange={(value) => onChange(field.name, value)}
    />
  );
  const rare = engine.fields.filter(isRare);
  return (
    <div className="grid gap-4">
      <div className="grid gap-4 sm:grid-cols-2">
        {engine.fields.filter((field) => !isRare(field)).map(draw)}
      </div>
      {rare.length > 0 && (
        <details open={rare.some((field) => values[field.name])}>
          <summary className="w-fit rounded-control font-medium text-ink-2">More options</summary>
          <div className="mt-3 grid gap-4 sm:grid-cols-2">{rare.map(draw)}</div>
        </details>
      )}
    </div>
  );
}

interface ConnectionFieldProps {
  field: FieldDescriptor;
  value: string;
  retyped: boolean;
  onChange: (value: string) => void;
}

function ConnectionField({ field, value, retyped, onChange }: ConnectionFieldProps) {
  if (field.kind === 'choice') {
    return (
      <div className="sm:col-span-2">
        <ChoiceField legend={field.label} choices={field.choices ?? []} value={value} onChange={onChange} />
      </div>
    );
  }
  if (field.kind === 'multiline') {
    return (
      <div className="sm:col-span-2">
        <Field label={field.label} help={field.help} optional={!field.required}>
          {(attributes) => (
            <textarea
              {...attributes}
              rows={5}
              spellCheck={false}
              className="control font-mono text-sm"
              placeholder={field.placeholder}
              value={value}
              onChange={(event) => onChange(event.target.value)}
            />
          )}
        </Field>
      </div>
    );
  }
  const secret = field.kind === 'secret';
  return (
    <TextField
      label={field.label}
      type={secret ? 'password' : 'text'}
      {...(field.kind === 'number' ? { inputMode: 'numeric', pattern: '[0-9]*' } : {})}
      autoComplete={secret ? 'new-password' : 'off'}
      spellCheck={false}
      required={field.required}
      optional={!field.required && !secret}
      placeholder={field.placeholder}
      help={secret && retyped ? `Type it again: only the agent keeps it. ${field.help ?? ''}` : field.help}
      value={value}
      onChange={onChange}
    />
  );
}
