import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { SignInProvider } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ConfirmDialog } from '../components/confirm.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Empty, Facts, Skeleton } from '../components/layout.tsx';
import { ROLE_WORDS } from './role-words.ts';
import { SignInProviderDialog } from './sign-in-provider-dialog.tsx';

/** The OpenID provider that people may sign in with. */
export function SignInProviderCard() {
  const asked = useQuery(queries.signInProvider());
  const [open, setOpen] = useState<'change' | 'remove'>();
  const provider = asked.data?.provider ?? undefined;
  return (
    <Card
      title="Sign-in provider"
      actions={
        provider && (
          <div className="flex flex-wrap gap-2">
            <Button size="small" onClick={() => setOpen('change')}>
              Change<span className="sr-only"> the sign-in provider</span>
            </Button>
            <Button size="small" onClick={() => setOpen('remove')}>
              Remove<span className="sr-only"> the sign-in provider</span>
            </Button>
          </div>
        )
      }
    >
      <ErrorCard error={asked.error} />
      {asked.isPending && <Skeleton rows={1} />}
      {asked.data && !provider && (
        <Empty title="None" action={<Button onClick={() => setOpen('change')}>Set up a provider</Button>}>
          With one, people sign in with the account they have at work: Keycloak, authentik, Entra ID, Google
          or any other OpenID provider.
        </Empty>
      )}
      {provider && <Facts items={factsOf(provider)} />}
      {asked.data && open === 'change' && (
        <SignInProviderDialog
          redirectUri={asked.data.redirectUri}
          provider={provider}
          onClose={() => setOpen(undefined)}
        />
      )}
      {provider && open === 'remove' && (
        <RemoveDialog provider={provider} onClose={() => setOpen(undefined)} />
      )}
    </Card>
  );
}

function factsOf({ admission, clientId, issuer, name, users }: SignInProvider): [string, string][] {
  const facts: [string, string][] = [
    ['Name', name],
    ['Issuer', issuer],
    ['Client id', clientId],
    ['Connected', users.connected === 1 ? '1 user' : `${users.connected} users`],
  ];
  if (!admission) return [...facts, ['Lets in', 'Nobody without an invitation']];
  const { claim, domains, labels, role } = admission;
  const who = [
    ...(domains.length > 0 ? [`addresses at ${domains.join(' or ')}`] : []),
    ...(claim ? [`${claim.name} ${claim.values.join(' or ')}`] : []),
  ];
  const agents = labels ? `agents with ${labels.join(' or ')}` : 'the whole fleet';
  return [...facts, ['Lets in', who.join(', with ')], ['As', `${ROLE_WORDS[role].label} of ${agents}`]];
}

function RemoveDialog({ onClose, provider }: { provider: SignInProvider; onClose: () => void }) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: acts.removeSignInProvider,
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['sign-in-provider'] });
      onClose();
    },
  });
  const { withNothingElse } = provider.users;
  return (
    <ConfirmDialog
      title={`Remove ${provider.name}`}
      name={provider.name}
      act="Remove"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={(typed) => remove.mutate(typed)}
      onClose={onClose}
    >
      <p>Nobody signs in with it any more. Accounts, sessions and what is connected stay.</p>
      {withNothingElse > 0 && (
        <p>
          {withNothingElse === 1 ? 'One user has' : `${withNothingElse} users have`} no other way in, and will
          need a recovery link.
        </p>
      )}
    </ConfirmDialog>
  );
}
