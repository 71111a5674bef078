import type { RemoteStore, Vault } from '../api/types.ts';
import { TextAreaField, TextField } from '../components/field.tsx';

/** What a person types about a place that rclone reaches; empty text where nothing was given. */
export interface RemoteDraft {
  type: 'sftp' | 'other';
  path: string;
  host: string;
  port: string;
  user: string;
  password: string;
  privateKey: string;
  passphrase: string;
  hostKeys: string;
  section: string;
}

/** The draft a form begins with; passwords and keys are always typed. */
export function remoteDraft(type: RemoteDraft['type'], remote: Vault['remote'] = null): RemoteDraft {
  const { host = '', hostKeys = '', port = 22, user = '' } = remote?.sftp ?? {};
  const secrets = { password: '', privateKey: '', passphrase: '', section: '' };
  return { type, path: remote?.path ?? '', host, port: String(port), user, hostKeys, ...secrets };
}

/** The draft as the API takes it. */
export function remoteStore(draft: RemoteDraft): RemoteStore {
  const path = draft.path.trim().replace(/(.)\/+$/, '$1');
  if (draft.type === 'other')
    return { kind: 'rclone', path, remote: { type: 'other', section: draft.section } };
  const { host, hostKeys, passphrase, password, port, privateKey, user } = draft;
  return {
    kind: 'rclone',
    path,
    remote: {
      type: 'sftp',
      ...{ host: host.trim(), port: Number(port), user: user.trim(), hostKeys },
      ...(password ? { password } : {}),
      ...(privateKey.trim() ? { privateKey } : {}),
      ...(passphrase ? { passphrase } : {}),
    },
  };
}

interface RemoteFieldsProps {
  draft: RemoteDraft;
  onChange: (draft: RemoteDraft) => void;
  /** The vault is there already: the folder stays. */
  placed?: boolean;
}

export function RemoteFields({ draft, onChange, placed = false }: RemoteFieldsProps) {
  const text = textOf(draft, onChange);
  const folder = (help: string) => (
    <TextField label="Folder" required disabled={placed} {...text('path')} help={help} />
  );
  if (draft.type === 'sftp')
    return (
      <div className="grid gap-4">
        <SftpFields draft={draft} onChange={onChange} />
        {folder('Like /srv/backups/homeport; without the first slash from the user’s own folder on.')}
      </div>
    );
  return (
    <div className="grid gap-4">
      <TextAreaField
        label="Section of rclone’s configuration"
        required
        rows={8}
        {...text('section')}
        placeholder={'[dav]\ntype = webdav\nurl = https://dav.example.org\nuser = homeport\npass = …'}
        help="From the file that “rclone config file” names, on whatever machine the remote was set up. Options that name files or programs are refused."
      />
      {folder('On the remote, like backups/homeport; with a bucket or container first where it has these.')}
    </div>
  );
}

function SftpFields({ draft, onChange }: Omit<RemoteFieldsProps, 'placed'>) {
  const text = textOf(draft, onChange);
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-[1fr_7rem]">
        <TextField label="Host" required {...text('host')} placeholder="backup.example.org" />
        <TextField label="Port" required type="number" min={1} max={65535} {...text('port')} />
      </div>
      <TextAreaField
        label="Host keys"
        required
        {...text('hostKeys')}
        placeholder="backup.example.org ssh-ed25519 AAAA…"
        help="All lines of “ssh-keyscan -p PORT HOST”. Compare them with the server’s own; no other key is accepted."
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField label="User" required {...text('user')} />
        <TextField label="Password" optional type="password" {...text('password')} />
      </div>
      <TextAreaField
        label="Private key"
        optional
        {...text('privateKey')}
        placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
        help="In place of a password, or beside it."
      />
      <TextField label="Passphrase of the key" optional type="password" {...text('passphrase')} />
    </>
  );
}

function textOf(draft: RemoteDraft, onChange: (draft: RemoteDraft) => void) {
  return (field: keyof RemoteDraft) => ({
    value: draft[field],
    onChange: (value: string) => onChange({ ...draft, [field]: value }),
    autoComplete: 'off',
    spellCheck: false,
  });
}
