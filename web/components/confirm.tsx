import { type ReactNode, useState } from 'react';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { ErrorCard } from './failure.tsx';
import { TextField } from './field.tsx';

interface ConfirmDialogProps {
  title: string;
  /** What will be lost, and what stays. */
  children: ReactNode;
  /** Typed out before the act is possible. */
  name: string;
  act: string;
  busy: boolean;
  error: unknown;
  onConfirm: (typed: string) => void;
  onClose: () => void;
}

/** Asks for the name of what is about to be lost. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const [typed, setTyped] = useState('');
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          props.onConfirm(typed);
        }}
      >
        <div className="grid gap-2 text-ink-2">{props.children}</div>
        <TextField
          label={`Type “${props.name}” to confirm`}
          value={typed}
          onChange={setTyped}
          autoComplete="off"
          spellCheck={false}
        />
        <ErrorCard error={props.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={props.onClose}>Cancel</Button>
          <Button look="danger" type="submit" busy={props.busy} disabled={typed !== props.name}>
            {props.act}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
