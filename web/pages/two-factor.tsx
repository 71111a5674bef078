import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, lazy, Suspense, useState } from 'react';
import { beginTwoFactor, endTwoFactor, newBackupCodes, verifyCode } from '../api/session.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { TextField } from '../components/field.tsx';
import { Card, Skeleton } from '../components/layout.tsx';

const QrCode = lazy(() => import('../components/qr-code.tsx').then((module) => ({ default: module.QrCode })));

type Open = 'begin' | 'end' | 'codes';

/** Whether signing in asks for a code of an app as well. */
export function TwoFactorCard({ on }: { on: boolean }) {
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  return (
    <Card
      title="Second factor"
      actions={
        on ? (
          <div className="flex flex-wrap gap-2">
            <Button size="small" onClick={() => setOpen('codes')}>
              New backup codes
            </Button>
            <Button size="small" onClick={() => setOpen('end')}>
              Turn off
            </Button>
          </div>
        ) : (
          <Button size="small" onClick={() => setOpen('begin')}>
            Turn on
          </Button>
        )
      }
    >
      <p className="text-ink-2">
        {on
          ? 'On: signing in asks for a code of your authenticator app after the password.'
          : 'Off: your password alone opens this account. With an authenticator app on your phone, a stolen password is not enough.'}
      </p>
      {open === 'begin' && <BeginDialog onClose={close} />}
      {open === 'end' && <EndDialog onClose={close} />}
      {open === 'codes' && <CodesDialog onClose={close} />}
    </Card>
  );
}

function BeginDialog({ onClose }: { onClose: () => void }) {
  const begin = useMutation({ mutationFn: beginTwoFactor });
  return (
    <Dialog title="Turn the second factor on" onClose={onClose} wide>
      {begin.data ? (
        <Verify {...begin.data} onClose={onClose} />
      ) : (
        <PasswordForm act="Go on" busy={begin.isPending} error={begin.error} onPassword={begin.mutate} />
      )}
    </Dialog>
  );
}

function Verify({
  backupCodes,
  onClose,
  totpURI,
}: {
  totpURI: string;
  backupCodes: string[];
  onClose: () => void;
}) {
  const [code, setCode] = useState('');
  const client = useQueryClient();
  const verify = useMutation({
    mutationFn: () => verifyCode(code, 'app'),
    onSuccess: () => client.invalidateQueries({ queryKey: ['me'] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    verify.mutate();
  };
  if (verify.isSuccess) return <BackupCodes codes={backupCodes} onClose={onClose} />;
  return (
    <form className="grid gap-4" onSubmit={submit}>
      <p className="text-ink-2">Scan this with your authenticator app, then type the code that it shows.</p>
      <div className="flex flex-wrap items-center gap-5">
        <Suspense fallback={<Skeleton rows={3} />}>
          <QrCode text={totpURI} label="Picture for the authenticator app" />
        </Suspense>
        <div className="grid min-w-0 flex-1 basis-56 gap-1.5">
          <p className="text-sm text-ink-3">Or type this key into the app:</p>
          <CodeBlock text={new URL(totpURI).searchParams.get('secret') ?? ''} label="Key for the app" />
        </div>
      </div>
      <TextField
        label="Code"
        inputMode="numeric"
        autoComplete="one-time-code"
        required
        value={code}
        onChange={setCode}
      />
      <ErrorCard error={verify.error} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" type="submit" busy={verify.isPending}>
          Turn on
        </Button>
      </div>
    </form>
  );
}

function EndDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: endTwoFactor,
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['me'] });
      onClose();
    },
  });
  return (
    <Dialog title="Turn the second factor off" onClose={onClose}>
      <PasswordForm act="Turn off" busy={end.isPending} error={end.error} onPassword={end.mutate} />
    </Dialog>
  );
}

function CodesDialog({ onClose }: { onClose: () => void }) {
  const renew = useMutation({ mutationFn: newBackupCodes });
  return (
    <Dialog title="New backup codes" onClose={onClose}>
      {renew.data ? (
        <BackupCodes codes={renew.data.backupCodes} onClose={onClose} />
      ) : (
        <PasswordForm
          act="Make new codes"
          busy={renew.isPending}
          error={renew.error}
          onPassword={renew.mutate}
        />
      )}
    </Dialog>
  );
}

function BackupCodes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  return (
    <div className="grid gap-4">
      <p>
        Keep these codes where you will find them without your phone: each opens the account once in the place
        of the app. They are shown only now; earlier ones no longer work.
      </p>
      <CodeBlock text={codes.join('\n')} label="Backup codes" />
      <div className="flex justify-end">
        <Button look="primary" onClick={onClose}>
          I have saved them
        </Button>
      </div>
    </div>
  );
}

interface PasswordFormProps {
  act: string;
  busy: boolean;
  error: unknown;
  onPassword: (password: string) => void;
}

function PasswordForm({ act, busy, error, onPassword }: PasswordFormProps) {
  const [password, setPassword] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onPassword(password);
  };
  return (
    <form className="grid gap-4" onSubmit={submit}>
      <TextField
        label="Your password"
        type="password"
        autoComplete="current-password"
        required
        value={password}
        onChange={setPassword}
      />
      <ErrorCard error={error} />
      <div className="flex justify-end">
        <Button look="primary" type="submit" busy={busy}>
          {act}
        </Button>
      </div>
    </form>
  );
}
