import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ShieldCheck, ShieldPlus } from 'lucide-react';
import { acts } from '../api/acts.ts';
import type { Server } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { Time } from '../components/time.tsx';

/** The switch that protects all of a server's databases, those that appear later too. */
export function AutoProtect({ server }: { server: Server }) {
  const client = useQueryClient();
  const { autoProtect } = server;
  const change = useMutation({
    mutationFn: (enabled: boolean) => acts.autoProtect(server.id, enabled),
    onSuccess: () => {
      for (const topic of ['servers', 'databases', 'available-databases', 'overview']) {
        void client.invalidateQueries({ queryKey: [topic] });
      }
    },
  });
  return (
    <section aria-label="All databases" className="grid gap-3 rounded-card border border-line bg-surface p-4">
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
        <div className="flex min-w-0 flex-1 basis-72 gap-3">
          {autoProtect ? (
            <ShieldCheck aria-hidden size={20} className="mt-0.5 shrink-0 text-ok" />
          ) : (
            <ShieldPlus aria-hidden size={20} className="mt-0.5 shrink-0 text-ink-3" />
          )}
          <div className="grid gap-0.5">
            <h2 className="font-semibold">
              {autoProtect ? 'New databases here are protected by themselves' : 'Protect all databases here'}
            </h2>
            <p className="text-ink-2">
              {autoProtect ? (
                <>
                  Within five minutes of being made, since <Time iso={autoProtect.since} mode="local" />. What
                  you stop protecting stays unprotected.
                </>
              ) : (
                'And those that appear later, by themselves. What you stop protecting stays unprotected.'
              )}
            </p>
          </div>
        </div>
        {autoProtect ? (
          <Button busy={change.isPending} onClick={() => change.mutate(false)}>
            Choose by hand again
          </Button>
        ) : (
          <Button look="primary" busy={change.isPending} onClick={() => change.mutate(true)}>
            Protect all databases
          </Button>
        )}
      </div>
      {autoProtect?.failure && <FailureCard failure={autoProtect.failure} />}
      <ErrorCard error={change.error} />
    </section>
  );
}
