import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { createDrillGround } from '../../agent/drills/place.ts';
import { driverFor } from '../../agent/engines/registry.ts';
import { ensureIdentity } from '../../agent/identity.ts';
import { runBackup } from '../../agent/jobs/backup.ts';
import type { JobContext } from '../../agent/jobs/context.ts';
import type { JobParts } from '../../agent/jobs/parts.ts';
import { runRestore } from '../../agent/jobs/restore.ts';
import { createAnswers } from '../../agent/servers/answers.ts';
import { createKeyStore } from '../../agent/state/keys.ts';
import { createServerStore } from '../../agent/state/servers.ts';
import { createVaultPins } from '../../agent/state/vaults.ts';
import type { LocalPolicy } from '../../protocol/messages.ts';
import { temporaryState } from '../support/agent-at-peer.ts';
import { sealCredentials } from '../support/seal.ts';

const never = new AbortController().signal;
const connection = { host: '127.0.0.1', port: 5432, user: 'app', tls: 'off' };

/** The agent's own parts, on disk; nothing here may get as far as the vault. */
async function agent(policy: LocalPolicy): Promise<JobParts> {
  const state = await temporaryState();
  onTestFinished(() => state[Symbol.asyncDispose]());
  return {
    agentId: randomUUID(),
    identity: await ensureIdentity(state.path),
    policy,
    servers: createServerStore(state.path),
    keys: createKeyStore(state.path),
    vaults: createVaultPins(state.path),
    driverFor,
    drills: createDrillGround(state.path, '/var/tmp'),
    vaultClient: () => {
      throw new Error('the job went on to the vault');
    },
  };
}

const examine = () => Promise.reject(new Error('nothing is examined here'));

const context: JobContext = {
  signal: never,
  log: () => {},
  phase: () => {},
  progress: () => {},
  waiting: () => {},
  finalise: () => {},
};
const update = () => Promise.reject(new Error('nobody asks for updates here'));
const ids = () => ({ jobId: randomUUID(), attempt: 1, snapshotId: randomUUID(), leaseMs: 1, stallMs: 1 });
const vault = { id: randomUUID(), statement: '' };
const denied = { failure: { code: 'policy_denied' } };

test('a server that appears after its job was offered does not get round the policy', async () => {
  const parts = await agent({ restore: 'deny', update: 'allow', databases: ['main/shop'] });
  const serverId = randomUUID();
  // What a control plane does between the look at the offer and the start of the job.
  await parts.servers.put({ id: serverId, name: 'main', engine: 'postgresql', connection, password: 'x' });
  const plan = { mode: 'new', targetDatabase: 'shop', owners: 'none', endSessions: false } as const;
  const restore = { ...ids(), kind: 'restore', serverId, vault, plan } as const;
  await expect(runRestore(parts, restore, context)).rejects.toMatchObject(denied);
  const database = { id: randomUUID(), name: 'payroll' };
  const backup = { ...ids(), kind: 'backup', serverId, serverName: 'main', sequence: 1, vault } as const;
  await expect(runBackup(parts, { ...backup, database }, context)).rejects.toMatchObject(denied);
});

test('credentials kept by the control plane do not come back under the name of another server', async () => {
  const parts = await agent({ restore: 'allow', update: 'allow', databases: ['scratch/*'] });
  const answer = createAnswers({ ...parts, examine, update });
  const serverId = randomUUID();
  const about = { agentId: parts.agentId, serverId, engine: 'postgresql', connection, password: 'x' };
  const sealed = await sealCredentials(parts.identity.sealingKey, { ...about, name: 'prod' });
  await answer({ kind: 'server.put', serverId, name: 'prod', sealed }, never);
  await answer({ kind: 'server.remove', serverId }, never);
  const replayed = answer({ kind: 'server.put', serverId, name: 'scratch', sealed }, never);
  await expect(replayed).rejects.toMatchObject({ failure: { code: 'destination_mismatch' } });
  const nameless = await sealCredentials(parts.identity.sealingKey, about);
  const unnamed = answer({ kind: 'server.put', serverId, name: 'scratch', sealed: nameless }, never);
  await expect(unnamed).rejects.toMatchObject({ failure: { code: 'destination_mismatch' } });
  expect(await parts.servers.list()).toEqual([]);
});

test('where servers are the host’s own business, no blob is opened and none is forgotten', async () => {
  const parts = await agent({ restore: 'allow', update: 'allow', servers: 'host-only' });
  const answer = createAnswers({ ...parts, examine, update });
  const serverId = randomUUID();
  await parts.servers.put({ id: serverId, name: 'main', engine: 'postgresql', connection, password: 'x' });
  // A unix socket where the agent's user is let in without a password: nobody needs to have typed one.
  const local = { ...connection, host: '/var/run/postgresql', user: 'postgres' };
  const about = { agentId: parts.agentId, serverId, name: 'main', engine: 'postgresql', password: '' };
  const sealed = await sealCredentials(parts.identity.sealingKey, { ...about, connection: local });
  await expect(answer({ kind: 'server.probe', serverId, sealed }, never)).rejects.toMatchObject(denied);
  const put = answer({ kind: 'server.put', serverId, name: 'main', sealed }, never);
  await expect(put).rejects.toMatchObject(denied);
  await expect(answer({ kind: 'server.remove', serverId }, never)).rejects.toMatchObject(denied);
  expect(await parts.servers.get(serverId)).toMatchObject({ connection });
});

test('where no policy goes by names, a blob that names its server still has the last word', async () => {
  const parts = await agent({ restore: 'allow', update: 'allow' });
  const answer = createAnswers({ ...parts, examine, update });
  const serverId = randomUUID();
  const about = { agentId: parts.agentId, serverId, engine: 'postgresql', connection, password: 'x' };
  const sealed = await sealCredentials(parts.identity.sealingKey, { ...about, name: 'prod' });
  const wrong = answer({ kind: 'server.put', serverId, name: 'scratch', sealed }, never);
  await expect(wrong).rejects.toMatchObject({ failure: { code: 'destination_mismatch' } });
});
