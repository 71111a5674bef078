import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { queries } from '../api/queries.ts';
import type { Agent, Inventory } from '../api/types.ts';
import { AgentBadge, LabelBadge } from '../components/badge.tsx';
import { Button } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { ErrorCard } from '../components/failure.tsx';
import { Card, Empty, Facts, Page, Skeleton } from '../components/layout.tsx';
import { May } from '../components/may.tsx';
import { RowTitle, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { LabelsDialog, RenameDialog, RevokeDialog } from './agent-dialogs.tsx';
import { AgentServers, FoundHere } from './agent-servers.tsx';
import { DoctorCard } from './doctor.tsx';
import { PolicyDefaultCard } from './policy-choice.tsx';
import { ReplaceAgentDialog } from './replace-agent.tsx';
import { UpdateCard } from './update.tsx';
import { WaitingServers } from './waiting-servers.tsx';

const route = getRouteApi('/app/agents/$agentId');
const back = (
  <Link to="/agents" className="hover:text-ink">
    Agents
  </Link>
);

export function AgentPage() {
  const { agentId } = route.useParams();
  const agent = useQuery(queries.agent(agentId));
  const servers = useQuery(queries.serversOfAgent(agentId));
  const [open, setOpen] = useState<'labels' | 'rename' | 'replace' | 'revoke'>();
  if (!agent.data) {
    return (
      <Page title="Agent" back={back}>
        <ErrorCard error={agent.error} onRetry={() => void agent.refetch()} />
        {agent.isPending && <Skeleton />}
      </Page>
    );
  }
  const { data } = agent;
  const waiting =
    servers.data?.rows.filter(({ awaitsCredentialsSince }) => awaitsCredentialsSince !== null) ?? [];
  return (
    <Page
      title={data.name}
      back={back}
      badge={
        <>
          <AgentBadge state={data.state} />
          {data.labels.map((label) => (
            <LabelBadge key={label} label={label} />
          ))}
        </>
      }
      actions={
        <>
          {data.state !== 'revoked' && (
            <May to="configure">
              <Button onClick={() => setOpen('rename')}>Rename</Button>
            </May>
          )}
          {data.state !== 'revoked' && (
            <May to="administer">
              <Button onClick={() => setOpen('labels')}>Labels</Button>
            </May>
          )}
          {!data.successor && (
            <May to={['configure', 'fleet', 'delete']}>
              <Button onClick={() => setOpen('replace')}>Replace</Button>
            </May>
          )}
          {data.state !== 'revoked' && (
            <May to={['configure', 'delete']}>
              <Button onClick={() => setOpen('revoke')}>Revoke</Button>
            </May>
          )}
        </>
      }
      lead={data.predecessor && <>In the place of {agentLink(data.predecessor)}</>}
    >
      {data.state === 'offline' && <OfflineHelp agent={data} />}
      {data.state === 'revoked' && <Ended agent={data} />}
      <May to="configure">
        <WaitingServers agent={data} servers={waiting} />
      </May>
      <AgentServers agent={data} total={servers.data?.total} error={servers.error} />
      {data.state === 'online' && (
        <May to={['operate', 'configure']}>
          <FoundHere agent={data} waiting={waiting} />
        </May>
      )}
      {data.state !== 'revoked' && (
        <May to="configure">
          <PolicyDefaultCard kind="agents" id={data.id} value={data.policyChoice} />
        </May>
      )}
      <UpdateCard agent={data} />
      {data.state === 'online' && (
        <May to="operate">
          <DoctorCard agent={data} />
        </May>
      )}
      <div className="grid items-start gap-5 xl:grid-cols-2">
        <Card title="Host">
          <Facts items={hostFacts(data)} />
        </Card>
        {data.inventory && <PolicyCard policy={data.inventory.policy} />}
      </div>
      {data.inventory && <ToolsCard tools={data.inventory.tools} />}
      {open === 'labels' && <LabelsDialog agent={data} onClose={() => setOpen(undefined)} />}
      {open === 'rename' && <RenameDialog agent={data} onClose={() => setOpen(undefined)} />}
      {open === 'replace' && <ReplaceAgentDialog agent={data} onClose={() => setOpen(undefined)} />}
      {open === 'revoke' && <RevokeDialog agent={data} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

function agentLink({ id, name }: { id: string; name: string }) {
  return (
    <Link to="/agents/$agentId" params={{ agentId: id }} className="rounded-sm text-accent underline">
      {name}
    </Link>
  );
}

function Ended({ agent: { successor } }: { agent: Agent }) {
  if (successor) {
    return (
      <p className="text-ink-2">
        It was replaced by {agentLink(successor)}, which has its servers, databases and snapshots. Its own
        keys are refused for good.
      </p>
    );
  }
  return (
    <p className="text-ink-2">
      Its keys are refused for good. To use its host again, enrol it with a new token: “Add agent” makes one.
      “Replace” lets an agent on another host go on with its servers.
    </p>
  );
}

function hostFacts(agent: Agent): [string, React.ReactNode][] {
  const { inventory } = agent;
  const facts: [string, React.ReactNode][] = [];
  if (inventory) {
    facts.push(['Host name', inventory.hostname], ['System', `${inventory.os} (${inventory.arch})`]);
    facts.push(['Node.js', inventory.nodeVersion]);
  }
  facts.push(['Agent version', agent.version ?? '–']);
  if (agent.connectedSince)
    facts.push(['Connected since', <Time key="connected" iso={agent.connectedSince} mode="local" />]);
  else if (agent.lastSeenAt) facts.push(['Last seen', <Time key="seen" iso={agent.lastSeenAt} />]);
  facts.push(['Enrolled', <Time key="enrolled" iso={agent.createdAt} mode="local" />]);
  facts.push([
    'Key fingerprint',
    <code key="fingerprint" className="font-mono text-sm">
      {agent.fingerprint}
    </code>,
  ]);
  return facts;
}

function OfflineHelp({ agent }: { agent: Agent }) {
  return (
    <Card title="This agent is offline">
      <div className="grid gap-3">
        <p className="text-ink-2">
          {agent.lastSeenAt ? (
            <>
              It was last seen <Time iso={agent.lastSeenAt} />.{' '}
            </>
          ) : (
            'It has never connected. '
          )}
          Its databases cannot be backed up until it runs again. Installed as a service, it starts with
          “systemctl start homeport-agent” on its host, and “homeport-agent status” says how it stands. From a
          checkout, start it in the Homeport folder and read what it says:
        </p>
        <CodeBlock text="agent/homeport-agent run" label="Command that starts the agent" />
        <p className="text-ink-2">If it runs and cannot connect, this says what is in the way:</p>
        <CodeBlock text="agent/homeport-agent doctor" label="Command that looks for what is wrong" />
        <p className="text-ink-2">
          If its host is lost, “Replace” lets an agent on another host go on where this one ended.
        </p>
      </div>
    </Card>
  );
}

const RESTORE_POLICY = {
  allow: 'Allowed, replacing databases included',
  'scratch-only': 'Only as new databases',
  deny: 'Never',
} satisfies Record<Inventory['policy']['restore'], string>;

function PolicyCard({ policy }: { policy: Inventory['policy'] }) {
  return (
    <Card title="Local policy">
      <div className="grid gap-3">
        <Facts
          items={[
            ['Restores', RESTORE_POLICY[policy.restore]],
            ['Servers', policy.servers === 'host-only' ? 'Added on its host only' : 'Added from here, too'],
            ['Updates', policy.update === 'allow' ? 'Allowed' : 'Never'],
            ['Databases', policy.databases ? policy.databases.join(', ') || 'None' : 'All'],
          ]}
        />
        <p className="text-sm text-ink-3">
          Set in the agent’s own configuration file on its host. It wins over anything asked from here.
        </p>
      </div>
    </Card>
  );
}

function ToolsCard({ tools }: { tools: Inventory['tools'] }) {
  return (
    <Card title="Tools on the host" flush>
      {tools.length === 0 ? (
        <Empty title="No database tools found">
          Install the client programs of your database on the host; the agent finds them by itself.
        </Empty>
      ) : (
        <Table
          label="Tools"
          rows={tools}
          rowKey={(tool) => tool.path}
          columns={[
            { header: 'Tool', cell: (tool) => <RowTitle note={tool.path}>{tool.name}</RowTitle> },
            { header: 'Version', cell: (tool) => tool.version },
          ]}
        />
      )}
    </Card>
  );
}
