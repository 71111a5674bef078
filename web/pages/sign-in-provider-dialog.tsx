import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { acts } from '../api/acts.ts';
import { labelsIn } from '../api/labels.ts';
import type { SignInProvider, SignInProviderWish } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { CheckField, ChoiceField, TextField } from '../components/field.tsx';
import { ROLE_WORDS } from './role-words.ts';

type Admission = NonNullable<SignInProvider['admission']>;

interface Draft {
  name: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
  letsIn: boolean;
  role: Admission['role'];
  labels: string;
  domains: string;
  claim: string;
  values: string;
}

function draftOf(provider: SignInProvider | undefined): Draft {
  const { admission, clientId = '', issuer = '', name = '' } = provider ?? {};
  return {
    ...{ name, issuer, clientId, clientSecret: '', letsIn: Boolean(admission) },
    role: admission?.role ?? 'viewer',
    labels: admission?.labels?.join(' ') ?? '',
    domains: admission?.domains.join(' ') ?? '',
    claim: admission?.claim?.name ?? '',
    values: admission?.claim?.values.join(', ') ?? '',
  };
}

function wishOf({ claim, clientId, clientSecret, issuer, name, ...draft }: Draft): SignInProviderWish {
  const values = draft.values.split(',').map((value) => value.trim());
  const admission = {
    role: draft.role,
    labels: draft.labels.trim() === '' ? null : labelsIn(draft.labels),
    domains: labelsIn(draft.domains),
    claim: claim.trim() === '' ? null : { name: claim.trim(), values: values.filter(Boolean) },
  };
  const secret = clientSecret === '' ? {} : { clientSecret };
  const client = { name: name.trim(), issuer: issuer.trim(), clientId: clientId.trim(), ...secret };
  return { ...client, admission: draft.letsIn ? admission : null };
}

interface SignInProviderDialogProps {
  /** What the provider has to be told. */
  redirectUri: string;
  /** The one there is. */
  provider: SignInProvider | undefined;
  onClose: () => void;
}

/** Which provider, and who of its people comes in; saved once it has answered. */
export function SignInProviderDialog({ onClose, provider, redirectUri }: SignInProviderDialogProps) {
  const [draft, setDraft] = useState(() => draftOf(provider));
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () => acts.setSignInProvider(wishOf(draft)),
    onSuccess: async () => {
      await Promise.all(
        ['sign-in-provider', 'sign-in'].map((key) => client.invalidateQueries({ queryKey: [key] })),
      );
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const same = provider?.issuer === draft.issuer.trim() && provider.clientId === draft.clientId.trim();
  return (
    <Dialog title="Sign-in provider" onClose={onClose} wide>
      <form className="grid gap-4" onSubmit={submit}>
        <div className="grid gap-1.5">
          <p>
            At the provider, make a confidential client for web applications, with this redirect URI and the
            scopes openid, email and profile:
          </p>
          <CodeBlock text={redirectUri} label="Redirect URI" />
        </div>
        <ClientFields draft={draft} set={set} secretKept={same} />
        <CheckField
          label="Let people in without an invitation"
          help="Whoever meets the conditions below gets an account by signing in. All others need an invitation, or connect an account they have."
          checked={draft.letsIn}
          onChange={(letsIn) => set({ letsIn })}
        />
        {draft.letsIn && <AdmissionFields draft={draft} set={set} />}
        <ErrorCard error={save.error} />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={save.isPending}>
            Test and save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface FieldsProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
}

function ClientFields({ draft, secretKept, set }: FieldsProps & { secretKept: boolean }) {
  const plain = { autoComplete: 'off', spellCheck: false };
  return (
    <>
      <TextField
        label="Name"
        required
        {...plain}
        help="On the button: “Continue with …”."
        value={draft.name}
        onChange={(name) => set({ name })}
      />
      <TextField
        label="Issuer"
        type="url"
        required
        {...plain}
        help="As the provider’s discovery document spells it, such as https://sso.example.org/realms/main."
        value={draft.issuer}
        onChange={(issuer) => set({ issuer })}
      />
      <TextField
        label="Client id"
        required
        {...plain}
        value={draft.clientId}
        onChange={(clientId) => set({ clientId })}
      />
      <TextField
        label="Client secret"
        type="password"
        autoComplete="new-password"
        required={!secretKept}
        optional={secretKept}
        help={
          secretKept
            ? 'Empty: the one it has. It is not shown again.'
            : 'Sealed when saved, and not shown again.'
        }
        value={draft.clientSecret}
        onChange={(clientSecret) => set({ clientSecret })}
      />
    </>
  );
}

const ROLES = (['viewer', 'operator'] as const).map((value) => ({ value, ...ROLE_WORDS[value] }));

function AdmissionFields({ draft, set }: FieldsProps) {
  const plain = { autoComplete: 'off', spellCheck: false };
  return (
    <>
      <TextField
        label="E-mail domains"
        optional
        {...plain}
        help="With blanks between them. The provider has to say that the address is verified."
        value={draft.domains}
        onChange={(domains) => set({ domains })}
      />
      <TextField
        label="Claim"
        optional
        {...plain}
        help="What the provider has to say of them besides, such as groups. Domains or a claim are needed; with both, both have to fit."
        value={draft.claim}
        onChange={(claim) => set({ claim })}
      />
      {draft.claim.trim() !== '' && (
        <TextField
          label="Values of the claim"
          required
          {...plain}
          help="With commas between them; one of them is enough."
          value={draft.values}
          onChange={(values) => set({ values })}
        />
      )}
      <ChoiceField legend="As" choices={ROLES} value={draft.role} onChange={(role) => set({ role })} />
      <TextField
        label="Only agents with labels"
        optional
        {...plain}
        help="With blanks between them; empty: the whole fleet."
        value={draft.labels}
        onChange={(labels) => set({ labels })}
      />
    </>
  );
}
