import { useMutation, useQuery } from '@tanstack/react-query';
import { Pencil } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { BackupPreflight, Database, EngineDescriptor, TableSelection } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard, Findings } from '../components/failure.tsx';
import { Field } from '../components/field.tsx';
import { formatBytes } from '../components/format.ts';
import { Card, Facts } from '../components/layout.tsx';
import { useMay } from '../components/may.tsx';

/** Whose rows a database's backups hold, and the way to change it. */
export function SelectionCard({ database }: { database: Database }) {
  const [editing, setEditing] = useState(false);
  const engines = useQuery(queries.engines());
  const engine = engines.data?.find(({ id }) => id === database.engine);
  const { selection } = database;
  const may = useMay();
  return (
    <Card
      title="What is backed up"
      actions={
        database.protected &&
        engine &&
        may('configure') && (
          <Button size="small" onClick={() => setEditing(true)}>
            <Pencil aria-hidden size={14} />
            Edit<span className="sr-only"> what is backed up</span>
          </Button>
        )
      }
    >
      {selection ? (
        <div className="grid gap-3">
          <Facts items={selectionFacts(selection)} />
          <p className="text-ink-2">
            The definitions of all tables are in every snapshot; only rows are left out.
          </p>
        </div>
      ) : (
        <p className="text-ink-2">Everything in it.</p>
      )}
      {editing && engine && (
        <SelectionDialog database={database} engine={engine} onClose={() => setEditing(false)} />
      )}
    </Card>
  );
}

function selectionFacts({ exclude, include }: TableSelection): [string, string][] {
  const facts: [string, string][] = [['Rows of', include.length > 0 ? include.join(', ') : 'all tables']];
  if (exclude.length > 0) facts.push(['But not of', exclude.join(', ')]);
  return facts;
}

/** One pattern on each line. */
export function patternsIn(text: string): string[] {
  return text.split('\n').flatMap((line) => line.trim() || []);
}

interface SelectionDialogProps {
  database: Database;
  engine: EngineDescriptor;
  onClose: () => void;
}

/** Patterns as lines, and what they would leave out, asked of the server before anything is saved. */
function SelectionDialog({ database, engine, onClose }: SelectionDialogProps) {
  const [include, setInclude] = useState(database.selection?.include.join('\n') ?? '');
  const [exclude, setExclude] = useState(database.selection?.exclude.join('\n') ?? '');
  const selection = { include: patternsIn(include), exclude: patternsIn(exclude) };
  const trial = useMutation({ mutationFn: () => acts.preflightBackup(database.id, { selection }) });
  const save = useMutation({
    mutationFn: () => acts.selectTables(database.id, selection),
    onSuccess: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const change = (set: (text: string) => void) => (text: string) => {
    set(text);
    trial.reset();
  };
  const { help, placeholder } = engine.tablePattern;
  return (
    <Dialog title={`What is backed up of ${database.name}`} onClose={onClose} wide>
      <form className="grid gap-4" onSubmit={submit}>
        <PatternField
          label="Only rows of"
          help={`${help} Empty: of all tables.`}
          value={include}
          onChange={change(setInclude)}
        />
        <PatternField
          label="But not of"
          help="The tables themselves stay in the backup, without rows."
          placeholder={placeholder}
          value={exclude}
          onChange={change(setExclude)}
        />
        {trial.data && <BackupFindings preflight={trial.data} />}
        <ErrorCard error={trial.error ?? save.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button
            busy={trial.isPending}
            disabled={database.agentState !== 'online'}
            onClick={() => trial.mutate()}
          >
            Show what is left out
          </Button>
          <Button look="primary" type="submit" busy={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface PatternFieldProps {
  label: string;
  help: string;
  placeholder?: string;
  value: string;
  onChange: (text: string) => void;
}

export function PatternField({ label, help, placeholder, value, onChange }: PatternFieldProps) {
  return (
    <Field label={label} help={help}>
      {(attributes) => (
        <textarea
          {...attributes}
          rows={4}
          spellCheck={false}
          autoCapitalize="off"
          className="control font-mono text-sm"
          placeholder={placeholder}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

/** What a backup would do and miss. */
export function BackupFindings({ preflight }: { preflight: BackupPreflight }) {
  return (
    <div className="grid gap-3">
      <p className="text-ink-2">
        Server {preflight.serverVersion}, {preflight.tool}, {formatBytes(preflight.estimatedBytes)} on the
        server.
      </p>
      {preflight.findings.length ? (
        <Findings findings={preflight.findings} />
      ) : (
        <p>Nothing stands in the way, and nothing would be missing.</p>
      )}
    </div>
  );
}
