import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { type Account, sealAccount } from '../api/account.ts';
import { acts } from '../api/acts.ts';
import { queries } from '../api/queries.ts';
import type { EngineDescriptor, Server, SnapshotDetail } from '../api/types.ts';
import { Button } from '../components/button.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card } from '../components/layout.tsx';
import type { Found } from '../components/use-found.ts';
import { RestoreAccount } from './restore-account.tsx';
import { RestorePlanForm } from './restore-plan.tsx';
import { proposedName, RestoreTargetForm, type Target } from './restore-target.tsx';
import { MissingList, type OtherWay, PreflightFindings, waysInto } from './restore-verdict.tsx';

interface RestoreFlowProps {
  snapshot: SnapshotDetail;
  engine: EngineDescriptor;
  /** All that are known. */
  servers: Server[];
  /** Those to choose from. */
  found: Found<Server>;
}

/** Where the snapshot came from, or else a server that could be asked now. */
function firstTarget({ engine, servers, snapshot }: RestoreFlowProps): Target {
  const same = servers.find(({ id }) => id === snapshot.serverId);
  const online = servers.find(({ agentState }) => agentState === 'online');
  const mode = engine.restoreModes[0]?.id ?? 'new';
  const serverId = (same ?? online ?? servers[0])?.id ?? '';
  return { serverId, mode, database: proposedName(mode, snapshot.databaseName) };
}

/** Asks the target's agent what a restore would take, and what else is open where the chosen way is not. */
function useTargetCheck(
  { engine, snapshot }: RestoreFlowProps,
  server: Server | undefined,
  account: Account | null,
) {
  const agentId = server?.agentId;
  const { data: agent } = useQuery({ ...queries.agent(agentId ?? ''), enabled: agentId !== undefined });
  const check = useMutation({
    mutationFn: async (wanted: Target) => {
      // What is checked with is what is restored with: sealed once.
      const { database, mode } = wanted;
      const binding = { snapshotId: snapshot.id, mode, targetDatabase: database };
      const sealed =
        account && server && agent ? await sealAccount({ agent, server }, account, binding) : undefined;
      const ask = (targetDatabase: string) =>
        acts.preflightRestore(snapshot.id, {
          ...{ serverId: wanted.serverId, targetDatabase },
          ...(sealed === undefined ? {} : { sealed }),
        });
      const preflight = await ask(wanted.database);
      const others = waysInto(engine, preflight, wanted.database);
      // Who may not make a database may still be let into the one the snapshot is of; no answer is no offer.
      const own = snapshot.databaseName;
      if (others.length === 0 && wanted.database !== own) {
        const answer = await ask(own).catch(() => undefined);
        if (answer) others.push(...waysInto(engine, answer, own));
      }
      return { others, preflight, sealed };
    },
  });
  return { agent, check };
}

/** Where to, as whom → what the target says → how, and the name typed → the job. */
export function RestoreFlow(props: RestoreFlowProps) {
  const { engine, found, servers, snapshot } = props;
  const navigate = useNavigate();
  const [target, setTarget] = useState(() => firstTarget(props));
  const [account, setAccount] = useState<Account | null>(null);
  const server = servers.find(({ id }) => id === target.serverId);
  const { agent, check } = useTargetCheck(props, server, account);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    check.mutate(target);
  };
  const takeOther = (way: OtherWay) => {
    const next = { ...target, ...way };
    setTarget(next);
    if (way.database !== target.database) check.mutate(next);
  };
  const change = (next: Target) => {
    setTarget(next);
    // The answer is about all modes at once, but about this server and name only.
    if (next.serverId !== target.serverId || next.database !== target.database) check.reset();
    if (next.serverId !== target.serverId) setAccount(null);
  };
  return (
    <div className="grid max-w-4xl gap-5">
      <Card title="1. Where to">
        <form className="grid gap-4" onSubmit={submit}>
          <RestoreTargetForm
            engine={engine}
            servers={servers}
            found={found}
            databaseName={snapshot.databaseName}
            target={target}
            onChange={change}
          />
          <RestoreAccount
            engine={engine}
            server={server}
            account={account}
            onChange={(next) => {
              setAccount(next);
              check.reset();
            }}
          />
          <div className="flex justify-end">
            <Button
              look={check.data ? 'plain' : 'primary'}
              type="submit"
              busy={check.isPending}
              disabled={server?.agentState !== 'online' || (account !== null && !agent)}
            >
              {check.data ? 'Check again' : 'Check the target'}
            </Button>
          </div>
        </form>
      </Card>
      <ErrorCard error={check.error} />
      {check.data && server && (
        <>
          <Card title="2. What the target says">
            <div className="grid gap-4">
              <PreflightFindings
                engine={engine}
                preflight={check.data.preflight}
                mode={target.mode}
                others={check.data.others}
                onOther={takeOther}
              />
              <MissingList missing={check.data.preflight.missing} />
            </div>
          </Card>
          <RestorePlanForm
            // A new answer or mode asks for consent anew.
            key={`${check.submittedAt} ${target.mode}`}
            engine={engine}
            preflight={check.data.preflight}
            sealed={check.data.sealed}
            target={target}
            serverName={server.name}
            snapshotId={snapshot.id}
            onStarted={(job) => void navigate({ to: '/jobs/$jobId', params: { jobId: job.id } })}
          />
        </>
      )}
    </div>
  );
}
