import { useMutation, useQuery } from '@tanstack/react-query';
import { CircleArrowUp } from 'lucide-react';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { Agent, AgentUpdate } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard, FailureCard } from '../components/failure.tsx';
import { Card } from '../components/layout.tsx';
import { useMay } from '../components/may.tsx';
import { Time } from '../components/time.tsx';

/** What is served and how agents stand to it, for those who see the whole fleet. */
export function useUpdates() {
  const may = useMay();
  return useQuery({ ...queries.updates(), enabled: may('fleet') });
}

/** The version an agent could become, and what became of its last update; nothing where there is nothing to say. */
export function UpdateCard({ agent }: { agent: Agent }) {
  const { data } = useUpdates();
  const update = useMutation({ mutationFn: () => acts.updateAgent(agent.id) });
  const may = useMay();
  const standing = data?.agents.find(({ agentId }) => agentId === agent.id);
  if (!standing || (!standing.available && !standing.update)) return null;
  const { available } = standing;
  const open = standing.update?.finishedAt === null;
  return (
    <Card
      title="Update"
      actions={
        available &&
        !open &&
        agent.state === 'online' &&
        may('administer') && (
          <Button size="small" busy={update.isPending} onClick={() => update.mutate()}>
            <CircleArrowUp aria-hidden size={14} />
            Update to {available}
          </Button>
        )
      }
    >
      <div className="grid gap-3" aria-live="polite">
        {available && !open && <Offer agent={agent} available={available} />}
        <ErrorCard error={update.error} />
        <Outcome standing={standing} />
      </div>
    </Card>
  );
}

function Offer({ agent, available }: { agent: Agent; available: string }) {
  if (agent.inventory?.policy.update === 'deny') {
    return (
      <p className="text-ink-2">
        Version {available} is here. The local policy of this agent forbids updates: run install.sh on its
        host.
      </p>
    );
  }
  return (
    <p className="text-ink-2">
      This agent runs version {agent.version}. It takes {available} only if that is signed with the release
      key pinned on its host, finishes its jobs first, and goes back to {agent.version} by itself if the new
      version does not connect.
    </p>
  );
}

function Outcome({ standing: { update } }: { standing: AgentUpdate }) {
  if (!update) return null;
  const { failure, finishedAt, fromVersion, requestedBy, state, toVersion } = update;
  if (finishedAt === null) {
    return (
      <p>
        {state === 'fetching'
          ? `The agent fetches version ${toVersion} and checks it.`
          : `The agent finishes what runs, then version ${toVersion} takes the place of ${fromVersion}.`}
      </p>
    );
  }
  return (
    <>
      <p className="text-ink-2">
        {state === 'succeeded'
          ? `Updated from ${fromVersion} to ${toVersion}`
          : `Not updated to ${toVersion}`}
        , <Time iso={finishedAt} />; asked for by {requestedBy}.
      </p>
      {failure && <FailureCard failure={failure} />}
    </>
  );
}

/** A cell of the agents' table. */
export function VersionCell({
  standing,
  version,
}: {
  version: string | null;
  standing?: AgentUpdate | undefined;
}) {
  const open = standing?.update?.finishedAt === null;
  return (
    <>
      {version ?? '–'}
      {open && <span className="text-accent"> → {standing.update?.toVersion}</span>}
      {!open && standing?.available && <span className="text-accent"> · update available</span>}
    </>
  );
}

/** Why agents cannot be updated from here, where a built agent is served all the same. */
export function UpdatesNote() {
  const { data } = useUpdates();
  if (!data?.served || !data.failure) return null;
  return (
    <p className="text-sm text-ink-3">
      {data.failure.message} {data.failure.hint}
    </p>
  );
}
