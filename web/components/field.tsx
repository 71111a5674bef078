import type { InputHTMLAttributes, ReactNode, TextareaHTMLAttributes } from 'react';
import { useId } from 'react';

interface FieldProps {
  label: string;
  help?: ReactNode;
  error?: string | undefined;
  optional?: boolean;
  /** Draws the control; spread the attributes on it. */
  children: (attributes: {
    id: string;
    'aria-describedby': string | undefined;
    'aria-invalid': boolean | undefined;
  }) => ReactNode;
}

/** Label, control, help and error of one input, tied together for assistive technology. */
export function Field({ label, help, error, optional, children }: FieldProps) {
  const id = useId();
  const note = error ?? help;
  return (
    <div className="grid content-start gap-1.5">
      <label htmlFor={id} className="font-medium">
        {label}
        {optional && <span className="font-normal text-ink-3"> (optional)</span>}
      </label>
      {children({
        id,
        'aria-describedby': note ? `${id}-note` : undefined,
        'aria-invalid': error ? true : undefined,
      })}
      {note && (
        <p id={`${id}-note`} className={`text-sm ${error ? 'text-bad' : 'text-ink-3'}`}>
          {note}
        </p>
      )}
    </div>
  );
}

interface TextFieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value'> {
  label: string;
  value: string;
  onChange: (value: string) => void;
  help?: ReactNode;
  error?: string | undefined;
  optional?: boolean;
}

export function TextField({ label, value, onChange, help, error, optional, ...rest }: TextFieldProps) {
  return (
    <Field
      label={label}
      error={error}
      {...(help === undefined ? {} : { help })}
      {...(optional ? { optional } : {})}
    >
      {(attributes) => (
        <input
          {...rest}
          {...attributes}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          className="control"
        />
      )}
    </Field>
  );
}

interface TextAreaFieldProps extends Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'onChange' | 'value'> {
  label: string;
  value: string;
  onChange: (value: string) => void;
  help?: ReactNode;
  optional?: boolean;
}

/** Lines to be pasted. */
export function TextAreaField({ label, value, onChange, help, optional, ...rest }: TextAreaFieldProps) {
  return (
    <Field label={label} {...(help === undefined ? {} : { help })} {...(optional ? { optional } : {})}>
      {(attributes) => (
        <textarea
          rows={4}
          spellCheck={false}
          autoComplete="off"
          {...rest}
          {...attributes}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          className="control h-auto py-2 font-mono text-sm"
        />
      )}
    </Field>
  );
}

interface CheckFieldProps {
  label: string;
  help?: ReactNode;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}

/** A yes or no with its explanation. */
export function CheckField({ label, help, checked, disabled, onChange }: CheckFieldProps) {
  const id = useId();
  return (
    <div className="flex gap-3">
      <input
        id={id}
        type="checkbox"
        className="mt-0.5"
        aria-describedby={help ? `${id}-note` : undefined}
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
      />
      <div className="grid content-start gap-0.5">
        <label htmlFor={id} className="font-medium">
          {label}
        </label>
        {help && (
          <p id={`${id}-note`} className="text-sm text-ink-2">
            {help}
          </p>
        )}
      </div>
    </div>
  );
}

interface Choice<T extends string> {
  value: T;
  label: string;
  help?: ReactNode;
  disabled?: boolean;
}

interface ChoiceFieldProps<T extends string> {
  legend: string;
  choices: Choice<T>[];
  value: T | undefined;
  onChange: (value: T) => void;
}

/** One of a few, each with its explanation. */
export function ChoiceField<T extends string>({ legend, choices, value, onChange }: ChoiceFieldProps<T>) {
  const name = useId();
  return (
    <fieldset>
      <legend className="mb-1.5 font-medium">{legend}</legend>
      <div className={`grid gap-2 ${choices.length > 3 ? 'sm:grid-cols-2' : ''}`}>
        {choices.map((choice) => (
          <label
            key={choice.value}
            className="flex gap-3 rounded-control border border-line px-3 py-2.5 has-checked:border-accent has-checked:bg-accent-soft has-disabled:bg-raised"
          >
            <input
              type="radio"
              name={name}
              className="mt-0.5"
              checked={choice.value === value}
              disabled={choice.disabled}
              onChange={() => onChange(choice.value)}
            />
            <span className="grid content-start gap-0.5">
              <span className="font-medium">{choice.label}</span>
              {choice.help && <span className="text-sm text-ink-2">{choice.help}</span>}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
