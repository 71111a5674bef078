import type { Agent, EngineDescriptor } from '../api/types.ts';
import { Field } from '../components/field.tsx';
import { FindField } from '../components/find-field.tsx';
import type { Found } from '../components/use-found.ts';

interface ChooseAgentProps {
  /** All that are known, the chosen one among them. */
  agents: Agent[];
  found: Found<Agent>;
  value: string;
  onChange: (id: string) => void;
}

/** Through which agent the server is reached; those that are away cannot take credentials. */
export function ChooseAgent({ agents, found, value, onChange }: ChooseAgentProps) {
  const shown = agents.filter((one) => one.id === value || found.hits.some(({ id }) => id === one.id));
  return (
    <div className="grid gap-4">
      <FindField found={found} label="Find an agent" />
      <Field label="Agent" help="It logs in to the server; the password is sealed to it.">
        {(attributes) => (
          <select
            {...attributes}
            className="control"
            value={value}
            onChange={(event) => onChange(event.target.value)}
          >
            {shown.map((agent) => (
              <option key={agent.id} value={agent.id} disabled={agent.state !== 'online'}>
                {agent.name}
                {agent.state === 'online' ? '' : ' (offline)'}
              </option>
            ))}
          </select>
        )}
      </Field>
    </div>
  );
}

interface ChooseEngineProps {
  engines: EngineDescriptor[];
  value: string;
  onChange: (engine: EngineDescriptor) => void;
}

export function ChooseEngine({ engines, value, onChange }: ChooseEngineProps) {
  return (
    <Field label="Engine">
      {(attributes) => (
        <select
          {...attributes}
          className="control"
          value={value}
          onChange={(event) => {
            const next = engines.find(({ id }) => id === event.target.value);
            if (next) onChange(next);
          }}
        >
          {engines.map((engine) => (
            <option key={engine.id} value={engine.id}>
              {engine.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
