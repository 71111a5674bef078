import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Braces, Plus } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { ApiKey, Right } from '../api/types.ts';
import { Button, buttonClass } from '../components/button.tsx';
import { ConfirmDialog } from '../components/confirm.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { CheckField, Field, TextField } from '../components/field.tsx';
import { Card, Empty, Skeleton } from '../components/layout.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { SCOPE_WORDS } from './role-words.ts';

export function ApiKeysCard() {
  const keys = useQuery(queries.apiKeys());
  const [creating, setCreating] = useState(false);
  const [removing, setRemoving] = useState<ApiKey>();
  return (
    <Card
      title="API keys"
      actions={
        <div className="flex flex-wrap gap-2">
          <Link to="/settings/api" className={buttonClass('ghost', 'small')}>
            <Braces aria-hidden size={14} />
            API reference
          </Link>
          <Button size="small" onClick={() => setCreating(true)}>
            <Plus aria-hidden size={14} />
            New key
          </Button>
        </div>
      }
      flush
    >
      <ErrorCard error={keys.error} onRetry={() => void keys.refetch()} />
      {keys.isPending && <Skeleton rows={1} />}
      {keys.data?.length === 0 && (
        <Empty title="No API key">A key lets scripts do over the API what you do here.</Empty>
      )}
      {keys.data && keys.data.length > 0 && <KeyTable keys={keys.data} onRemove={setRemoving} />}
      {creating && <CreateDialog onClose={() => setCreating(false)} />}
      {removing && <RemoveDialog apiKey={removing} onClose={() => setRemoving(undefined)} />}
    </Card>
  );
}

function KeyTable({ keys, onRemove }: { keys: ApiKey[]; onRemove: (key: ApiKey) => void }) {
  return (
    <Table
      label="API keys"
      rows={keys}
      rowKey={(key) => key.id}
      columns={[
        {
          header: 'Name',
          cell: (key) => (
            <RowTitle
              note={
                <>
                  Made <Time iso={key.createdAt} />
                </>
              }
            >
              {key.name ?? 'Without a name'}
            </RowTitle>
          ),
        },
        { header: 'May', show: 'wide', cell: (key) => <Scopes scopes={key.scopes} /> },
        { header: 'For', show: 'wide', cell: (key) => key.user ?? 'the control plane’s host' },
        {
          header: 'Last used',
          show: 'wide',
          cell: (key) => (key.lastUsedAt ? <Time iso={key.lastUsedAt} /> : 'Never'),
        },
        { header: 'Expires', cell: (key) => (key.expiresAt ? <Time iso={key.expiresAt} /> : 'Never') },
        {
          header: 'Actions',
          align: 'end',
          cell: (key) => (
            <Button size="small" onClick={() => onRemove(key)}>
              Delete<span className="sr-only"> {key.name}</span>
            </Button>
          ),
        },
      ]}
    />
  );
}

function Scopes({ scopes }: Pick<ApiKey, 'scopes'>) {
  if (scopes === null) return 'Everything its user may';
  return (
    <ul className="text-sm text-ink-2">
      {scopes.map((scope) => (
        <li key={scope}>{SCOPE_WORDS[scope]}</li>
      ))}
    </ul>
  );
}

const LIFETIMES = [
  ['30', '30 days'],
  ['90', '90 days'],
  ['365', 'One year'],
  ['', 'Never'],
] as const;

function CreateDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [days, setDays] = useState('90');
  const me = useQuery(queries.me());
  const own = me.data?.rights ?? [];
  // Looking is what almost every script does first; the rest is ticked on purpose.
  const [scopes, setScopes] = useState<Right[]>(['view']);
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: () =>
      acts.createApiKey({ name: name.trim(), scopes, ...(days ? { expiresInDays: Number(days) } : {}) }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['api-keys'] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Dialog title="New API key" onClose={onClose} wide>
      {create.data ? (
        <div className="grid gap-4">
          <p>Copy the key now: it is shown only this once.</p>
          <CodeBlock text={create.data.key} label="API key" />
          <p className="text-ink-2">Send it as a header; like this it stays out of the process list:</p>
          <CodeBlock
            label="Example request"
            text={`curl -H @- ${window.location.origin}/api/v1/databases <<'KEY'\nauthorization: Bearer ${create.data.key}\nKEY`}
          />
          <div className="flex justify-end">
            <Button look="primary" onClick={onClose}>
              Done
            </Button>
          </div>
        </div>
      ) : (
        <form className="grid gap-4" onSubmit={submit}>
          <TextField label="Name" required autoComplete="off" value={name} onChange={setName} />
          <Field label="Expires after">
            {(attributes) => (
              <select
                {...attributes}
                className="control"
                value={days}
                onChange={(event) => setDays(event.target.value)}
              >
                {LIFETIMES.map(([value, label]) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <fieldset className="grid gap-2">
            <legend className="mb-1.5 font-medium">It may</legend>
            {own.map((right) => (
              <CheckField
                key={right}
                label={SCOPE_WORDS[right]}
                checked={scopes.includes(right)}
                onChange={(on) => setScopes(on ? [...scopes, right] : scopes.filter((one) => one !== right))}
              />
            ))}
          </fieldset>
          <ErrorCard error={create.error} />
          <div className="flex justify-end gap-2">
            <Button onClick={onClose}>Cancel</Button>
            <Button look="primary" type="submit" busy={create.isPending} disabled={scopes.length === 0}>
              Create key
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

function RemoveDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const client = useQueryClient();
  const name = apiKey.name ?? 'Without a name';
  const remove = useMutation({
    mutationFn: () => acts.removeApiKey(apiKey.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['api-keys'] });
      onClose();
    },
  });
  return (
    <ConfirmDialog
      title={`Delete ${name}`}
      name={name}
      act="Delete key"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>Whatever uses this key is refused from now on.</p>
    </ConfirmDialog>
  );
}
