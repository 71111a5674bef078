import { type FormEvent, type ReactNode, useState } from 'react';
import { acts } from '../api/acts.ts';
import type { Database } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { count } from '../components/format.ts';
import { type Many, useMany } from '../components/many.ts';
import { ProgressBar } from '../components/progress-bar.tsx';
import { PatternField, patternsIn } from './database-selection.tsx';
import { PolicySelect } from './policy-choice.tsx';

interface ManyProps {
  /** How many are picked. */
  chosen: number;
  /** Them, as they are by then. */
  databases: () => Promise<readonly Database[]>;
  onClose: () => void;
  /** When something was done with them. */
  onDone: () => void;
}

/** Backs all of them up. */
export function BackUpManyDialog(props: ManyProps) {
  return (
    <ManyDialog
      {...props}
      title={`Back up ${count(props.chosen, 'database')}`}
      act="Back up"
      with={({ id }) => acts.backUp(id)}
    >
      <p className="text-ink-2">
        Each is queued with its agent, which backs up as many at a time as it may. Jobs shows how they get on.
      </p>
    </ManyDialog>
  );
}

/** Gives all of them the same choice of rows. */
export function SelectManyDialog(props: ManyProps) {
  const [include, setInclude] = useState('');
  const [exclude, setExclude] = useState('');
  const selection = { include: patternsIn(include), exclude: patternsIn(exclude) };
  return (
    <ManyDialog
      {...props}
      title={`What is backed up of ${count(props.chosen, 'database')}`}
      act="Save"
      with={({ id }) => acts.selectTables(id, selection)}
    >
      <p className="text-ink-2">
        It takes the place of what each of them has now. The definitions of all tables are in every snapshot;
        only rows are left out.
      </p>
      <PatternField
        label="Only rows of"
        help="Patterns as on a database’s page, one on each line. Empty: of all tables."
        value={include}
        onChange={setInclude}
      />
      <PatternField
        label="But not of"
        help="The tables themselves stay in the backup, without rows. Where both are empty everything is backed up."
        value={exclude}
        onChange={setExclude}
      />
    </ManyDialog>
  );
}

/** Chooses the same policy for all of them. */
export function ScheduleManyDialog(props: ManyProps) {
  const [policy, setPolicy] = useState('inherit');
  return (
    <ManyDialog
      {...props}
      title={`When ${count(props.chosen, 'database')} are backed up`}
      act="Save"
      with={({ id }) => acts.choosePolicy('databases', id, policy)}
    >
      <PolicySelect
        label="Policy"
        help="It takes the place of what each of them has now."
        inherit="As their servers and agents have it"
        value={policy}
        onChange={setPolicy}
      />
    </ManyDialog>
  );
}

/** Ends the backups of all of them. */
export function StopManyDialog(props: ManyProps) {
  const [typed, setTyped] = useState('');
  const words = count(props.chosen, 'database');
  return (
    <ManyDialog
      {...props}
      title={`Stop protecting ${words}`}
      act="Stop protecting"
      danger
      ready={typed === words}
      with={({ id, name }) => acts.stopProtecting(id, name)}
    >
      <p className="text-ink-2">
        No backup of them is made any more. Their snapshots stay, and can be restored and downloaded.
      </p>
      <TextField
        label={`Type “${words}” to confirm`}
        value={typed}
        onChange={setTyped}
        autoComplete="off"
        spellCheck={false}
      />
    </ManyDialog>
  );
}

interface ManyDialogProps extends ManyProps {
  title: string;
  act: string;
  with: (database: Database) => Promise<unknown>;
  children: ReactNode;
  ready?: boolean;
  danger?: boolean;
}

/** Asks, does it one by one, and tells what came of it. */
function ManyDialog({
  act,
  children,
  danger,
  databases,
  onClose,
  onDone,
  ready = true,
  title,
  with: each,
}: ManyDialogProps) {
  const many = useMany(each);
  const [failure, setFailure] = useState<unknown>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      many.start(await databases());
    } catch (error) {
      setFailure(error);
    }
  };
  const close = () => {
    many.stop();
    if (many.total !== null) onDone();
    onClose();
  };
  return (
    <Dialog title={title} onClose={close} wide>
      <form className="grid gap-4" onSubmit={(event) => void submit(event)}>
        {many.total === null ? children : <Outcome many={many} />}
        <ErrorCard error={failure} />
        <div className="flex flex-wrap justify-end gap-2">
          {many.total === null ? (
            <>
              <Button onClick={close}>Cancel</Button>
              <Button look={danger ? 'danger' : 'primary'} type="submit" disabled={!ready}>
                {act}
              </Button>
            </>
          ) : (
            <Button look="primary" onClick={many.running ? many.stop : close}>
              {many.running ? 'Stop here' : 'Close'}
            </Button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

function Outcome({ many }: { many: Many<Database> }) {
  const { done, refused, running, total } = many;
  const tried = done + refused.length;
  const all = total ?? 0;
  const left = all - tried;
  const text = [
    `${done.toLocaleString()} of ${all.toLocaleString()} done`,
    refused.length > 0 && `${refused.length.toLocaleString()} refused`,
    !running && left > 0 && `${left.toLocaleString()} not begun`,
  ];
  return (
    <div className="grid gap-3">
      <ProgressBar label="Databases done" done={tried / Math.max(1, all)} />
      <p role="status">{`${text.filter(Boolean).join(', ')}.`}</p>
      {refused.map(({ error, thing }) => (
        <section key={thing.id} aria-label={thing.name} className="grid gap-1">
          <h3 className="font-medium">{`${thing.name} on ${thing.serverName}`}</h3>
          <ErrorCard error={error} />
        </section>
      ))}
    </div>
  );
}
