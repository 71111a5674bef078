import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import type { AgentUpdate, Rollout } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { Field, TextField } from '../components/field.tsx';
import { count } from '../components/format.ts';
import { Card } from '../components/layout.tsx';
import { useMay } from '../components/may.tsx';
import { Table } from '../components/table.tsx';
import { useUpdates } from './update.tsx';

/** Updates of all agents that are older than what is served: how the last went, and a new one. */
export function RolloutCard() {
  const { data } = useUpdates();
  const may = useMay();
  const [asking, setAsking] = useState(false);
  const rollout = data?.rollout;
  const stop = useMutation({ mutationFn: (id: string) => acts.stopRollout(id) });
  const older = data?.agents.filter(({ available, state }) => available !== null && state === 'online') ?? [];
  if (!rollout && older.length < 2) return null;
  const running = rollout?.state === 'running';
  return (
    <Card
      title="Updates"
      actions={
        !may('administer') ? undefined : running ? (
          <Button size="small" busy={stop.isPending} onClick={() => stop.mutate(rollout.id)}>
            Stop after this batch
          </Button>
        ) : (
          older.length > 0 && (
            <Button size="small" onClick={() => setAsking(true)}>
              Update all to {older[0]?.available}
            </Button>
          )
        )
      }
    >
      <div className="grid gap-4" aria-live="polite">
        <ErrorCard error={stop.error} />
        {rollout ? <Progress rollout={rollout} /> : <p>{count(older.length, 'agent')} can be updated.</p>}
      </div>
      {asking && <UpdateAllDialog older={older} onClose={() => setAsking(false)} />}
    </Card>
  );
}

const WORDS = { running: 'Being updated', succeeded: 'Updated', stopped: 'Stopped on the way' } as const;

const MEMBER = {
  waiting: 'Waits for its turn',
  skipped: 'Passed over: not connected',
  fetching: 'Fetches and checks the build',
  applying: 'Finishes what runs, and is replaced',
  succeeded: 'Updated',
  failed: 'Not updated',
} satisfies Record<Rollout['batches'][number][number]['state'], string>;

function Progress({ rollout }: { rollout: Rollout }) {
  const rows = rollout.batches.flatMap((batch, at) => batch.map((member) => ({ ...member, batch: at })));
  return (
    <>
      <p>
        {WORDS[rollout.state]} to {rollout.version}; asked for by {rollout.requestedBy}.
      </p>
      {rollout.failure && <FailureCard failure={rollout.failure} />}
      <Table
        label="Agents that are updated"
        rows={rows}
        rowKey={({ agentId }) => agentId}
        columns={[
          { header: 'Batch', cell: ({ batch }) => (batch === 0 ? 'First' : String(batch + 1)) },
          {
            header: 'Agent',
            cell: ({ agentId, name }) => (
              <Link to="/agents/$agentId" params={{ agentId }}>
                {name}
              </Link>
            ),
          },
          {
            header: 'Update',
            cell: ({ state }) =>
              rollout.state === 'stopped' && state === 'waiting' ? 'Left as it is' : MEMBER[state],
          },
        ]}
      />
    </>
  );
}

function UpdateAllDialog({ older, onClose }: { older: AgentUpdate[]; onClose: () => void }) {
  const [canary, setCanary] = useState('');
  const [size, setSize] = useState('10');
  const begin = useMutation({
    mutationFn: () => acts.updateAll({ ...(canary ? { canary } : {}), batchSize: Number(size) }),
    onSuccess: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    begin.mutate();
  };
  return (
    <Dialog title={`Update all agents to ${older[0]?.available}`} onClose={onClose}>
      <form className="grid gap-4" onSubmit={submit}>
        <p className="text-ink-2">
          One agent goes first. If it comes back as the new version, the rest follow in batches. The first one
          that fails stops it: whoever has not begun by then stays as it is.
        </p>
        <Field label="Goes first">
          {(attributes) => (
            <select
              {...attributes}
              className="control"
              value={canary}
              onChange={(event) => setCanary(event.target.value)}
            >
              <option value="">The first by name</option>
              {older.map(({ agentId, name }) => (
                <option key={agentId} value={agentId}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField label="Agents in a batch" type="number" required value={size} onChange={setSize} />
        <ErrorCard error={begin.error} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={begin.isPending}>
            Update
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
