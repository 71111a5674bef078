import { useMutation } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { passkeysPossible, signInWithPasskey } from '../api/passkeys.ts';
import { signIn, verifyCode } from '../api/session.ts';
import { Button } from './button.tsx';
import { ErrorCard } from './failure.tsx';
import { TextField } from './field.tsx';

interface SignInFormProps {
  /** Whose password it is, where that is settled. */
  email?: string;
  act: string;
  /** Whether a passkey does as well. */
  passkey?: boolean;
  onDone: () => void;
}

/** Address and password, and the code of the app where there is a second factor. */
export function SignInForm({ act, email: settled, onDone, passkey = true }: SignInFormProps) {
  const [email, setEmail] = useState(settled ?? '');
  const [password, setPassword] = useState('');
  const login = useMutation({
    mutationFn: () => signIn(email, password),
    onSuccess: ({ asksForCode }) => {
      if (!asksForCode) onDone();
    },
  });
  if (login.data?.asksForCode) return <CodeForm act={act} onDone={onDone} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    login.mutate();
  };
  return (
    <form className="grid gap-4" onSubmit={submit}>
      <TextField
        label="E-mail address"
        type="email"
        autoComplete="username"
        required
        readOnly={settled !== undefined}
        value={email}
        onChange={setEmail}
      />
      <TextField
        label="Password"
        type="password"
        autoComplete="current-password"
        required
        value={password}
        onChange={setPassword}
      />
      <ErrorCard error={login.error} />
      <Button look="primary" type="submit" busy={login.isPending}>
        {act}
      </Button>
      {passkey && passkeysPossible() && <PasskeyButton onDone={onDone} />}
    </form>
  );
}

/** Signs in with a passkey of the device. */
export function PasskeyButton({ onDone }: { onDone: () => void }) {
  const login = useMutation({ mutationFn: signInWithPasskey, onSuccess: onDone });
  return (
    <div className="grid gap-3 border-t border-line pt-4">
      <Button busy={login.isPending} onClick={() => login.mutate()}>
        <KeyRound aria-hidden size={16} />
        Use a passkey
      </Button>
      <ErrorCard error={login.error} />
    </div>
  );
}

function CodeForm({ act, onDone }: { act: string; onDone: () => void }) {
  const [kind, setKind] = useState<'app' | 'backup'>('app');
  const [code, setCode] = useState('');
  const verify = useMutation({ mutationFn: () => verifyCode(code, kind), onSuccess: onDone });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    verify.mutate();
  };
  const other = kind === 'app' ? 'backup' : 'app';
  return (
    <form className="grid gap-4" onSubmit={submit}>
      <TextField
        key={kind}
        label={kind === 'app' ? 'Code of your authenticator app' : 'Backup code'}
        help={kind === 'app' ? 'Six digits; a new one every half minute.' : 'Each of them works once.'}
        autoComplete="one-time-code"
        inputMode={kind === 'app' ? 'numeric' : 'text'}
        required
        autoFocus
        value={code}
        onChange={setCode}
      />
      <ErrorCard error={verify.error} />
      <Button look="primary" type="submit" busy={verify.isPending}>
        {act}
      </Button>
      <Button
        look="ghost"
        onClick={() => {
          setKind(other);
          setCode('');
          verify.reset();
        }}
      >
        {other === 'app' ? 'Use the authenticator app' : 'Use a backup code'}
      </Button>
    </form>
  );
}
