import { useMutation } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import type { Assertion } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextAreaField, TextField } from '../components/field.tsx';

const MOST = 20;

interface AssertionsDialogProps {
  databaseId: string;
  assertions: Assertion[];
  onClose: () => void;
}

/** What drills ask of a database beside counting its rows. */
export function AssertionsDialog({ assertions, databaseId, onClose }: AssertionsDialogProps) {
  const [rows, setRows] = useState(assertions);
  const save = useMutation({ mutationFn: () => acts.putAssertions(databaseId, rows), onSuccess: onClose });
  const change = (at: number, part: Partial<Assertion>) =>
    setRows(rows.map((row, index) => (index === at ? { ...row, ...part } : row)));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Dialog title="Assertions" onClose={onClose} wide>
      <form className="grid gap-4" onSubmit={submit}>
        <p className="text-ink-2">
          Each is one query that has to give one row, whose first column is true or not 0. It is run on the
          restored copy, read-only, for a minute at most. Only whether it holds leaves the agent’s host.
        </p>
        {rows.map((row, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: names change as they are typed, places do not
          <fieldset key={at} className="grid gap-3 rounded-control border border-line p-3">
            <legend className="px-1 font-medium">{`Assertion ${at + 1}`}</legend>
            <TextField
              label="Name"
              required
              maxLength={100}
              autoComplete="off"
              value={row.name}
              onChange={(name) => change(at, { name })}
            />
            <TextAreaField
              label="Query"
              required
              maxLength={8000}
              rows={3}
              spellCheck={false}
              value={row.query}
              onChange={(query) => change(at, { query })}
            />
            <Button
              size="small"
              className="justify-self-start"
              onClick={() => setRows(rows.filter((_, index) => index !== at))}
            >
              Remove
            </Button>
          </fieldset>
        ))}
        {rows.length < MOST && (
          <Button
            size="small"
            className="justify-self-start"
            onClick={() => setRows([...rows, { name: '', query: '' }])}
          >
            <Plus aria-hidden size={14} />
            Add an assertion
          </Button>
        )}
        <ErrorCard error={save.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
