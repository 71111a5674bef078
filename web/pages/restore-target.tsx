import type { RestoreMode } from '../../protocol/engines/engine.ts';
import type { EngineDescriptor, Server } from '../api/types.ts';
import { ChoiceField, Field, TextField } from '../components/field.tsx';

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
  databaseName: string;
  target: Target;
  onChange: (target: Target) => void;
}

/** Server, mode and name. */
export function RestoreTargetForm({
  engine,
  servers,
  databaseName,
  target,
  onChange,
}: RestoreTargetFormProps) {
  const changeMode = (mode: RestoreMode) => {
    const untouched = target.database === proposedName(target.mode, databaseName);
    onChange({ ...target, mode, database: untouched ? proposedName(mode, databaseName) : target.database });
  };
  return (
    <>
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
            {servers.map((server) => (
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
