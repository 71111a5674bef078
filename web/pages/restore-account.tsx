import { type Account, accountLabels } from '../api/account.ts';
import type { EngineDescriptor, Server } from '../api/types.ts';
import { CheckField, TextField } from '../components/field.tsx';

interface RestoreAccountProps {
  engine: EngineDescriptor;
  server: Server | undefined;
  account: Account | null;
  onChange: (account: Account | null) => void;
}

/** Another account than the one the agent keeps, for this restore alone. */
export function RestoreAccount({ account, engine, onChange, server }: RestoreAccountProps) {
  const labels = accountLabels(engine);
  const stored = server?.connection.user;
  const secure = window.isSecureContext;
  return (
    <div className="grid gap-3">
      <CheckField
        label="Use another account for this restore"
        help={
          secure
            ? `Where ${stored ? `“${stored}”` : 'the stored account'} may not do what the restore needs. It is sealed to the agent, used for this restore alone and forgotten afterwards.`
            : 'Open Homeport over HTTPS for this: a password typed here could be read on its way.'
        }
        disabled={!secure}
        checked={account !== null}
        onChange={(on) => onChange(on ? { user: '', password: '' } : null)}
      />
      {account && (
        <div className="grid gap-4 pl-7 sm:grid-cols-2">
          <TextField
            label={labels.user}
            required
            autoComplete="off"
            spellCheck={false}
            value={account.user}
            onChange={(user) => onChange({ ...account, user })}
          />
          <TextField
            label={labels.password}
            type="password"
            autoComplete="new-password"
            value={account.password}
            onChange={(password) => onChange({ ...account, password })}
          />
        </div>
      )}
    </div>
  );
}
