import type { RestoreMode } from '../../protocol/engines/engine.ts';
import type { EngineDescriptor, Server } from '../api/types.ts';
import { ChoiceField, Field, TextField } from '../components/field.tsx';
import { FindField } from '../components/find-field.tsx';
import type { Found } from '../components/use-found.ts';

export interface Target {
  serverId: string;
  mode: RestoreMode;
  database: string;
}

/** A name to start with: free for a new database, the same where one is replaced. */
export function proposedName(mode: RestoreMode, databaseName: string): string {
  return mode === 'new' ? `${databaseName}_restored` : databaseName;
}

interface RestoreTargetFormProps {
  engine: EngineDescriptor;
  servers: Server[];
  found: Found<Server>;
  databaseName: string;
  target: Target;
  onChange: (target: Target) => void;
}

/** Server, mode and name. */
export function RestoreTargetForm({
  engine,
  servers,
  found,
  databaseName,
  target,
  onChange,
}: RestoreTargetFormProps) {
  const changeMode = (mode: RestoreMode) => {
    const untouched = target.database === proposedName(target.mode, databaseName);
    onChange({ ...target, mode, database: untouched ? proposedName(mode, databaseName) : target.database });
  };
  // What was chosen or came from the snapshot stays to be chosen, whatever is searched for.
  const shown = found.more
    ? servers.filter(({ id }) => id === target.serverId || found.hits.some((hit) => hit.id === id))
    : servers;
  return (
    <>
      <FindField found={found} label="Find a server" />
      <Field
        label="Server"
        help={`Any ${engine.label} server on any agent that is online; snapshots do not go to another engine.`}
      >
        {(attributes) => (
          <select
            {...attributes}
            className="control"
            value={target.serverId}
            onChange={(event) => onChange({ ...target, serverId: event.target.value })}
          >
            {shown.map((server) => (
              <option key={server.id} value={server.id} disabled={server.agentState !== 'online'}>
                {`${server.name} (agent ${server.agentName}${server.agentState === 'online' ? '' : ', offline'})`}
              </option>
            ))}
          </select>
        )}
      </Field>
      <ChoiceField
        legend="How"
        value={target.mode}
        onChange={changeMode}
        choices={engine.restoreModes.map(({ id, label, help }) => ({ value: id, label, help }))}
      />
      <TextField
        label={target.mode === 'new' ? 'Name of the new database' : 'Database to replace'}
        required
        autoComplete="off"
        spellCheck={false}
        value={target.database}
        onChange={(database) => onChange({ ...target, database })}
      />
    </>
  );
}
