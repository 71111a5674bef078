import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ensureIdentity } from '../../../agent/identity.ts';
import { serverForRestore } from '../../../agent/jobs/account.ts';
import { createServerStore } from '../../../agent/state/servers.ts';
import type { LocalPolicy } from '../../../protocol/messages.ts';
import { temporaryState } from '../../support/agent-at-peer.ts';
import { sealCredentials } from '../../support/seal.ts';

const connection = { host: '127.0.0.1', port: 5432, user: 'app', tls: 'off' };
const RESTORE = { snapshotId: randomUUID(), mode: 'swap', targetDatabase: 'shop' } as const;
const CANARY = 'canary-3d1f';

async function agent(servers?: LocalPolicy['servers']) {
  const state = await temporaryState();
  onTestFinished(() => state[Symbol.asyncDispose]());
  const serverId = randomUUID();
  const store = createServerStore(state.path);
  await store.put({ id: serverId, name: 'main', engine: 'any', connection, password: 'stored' });
  const identity = await ensureIdentity(state.path);
  const agentId = randomUUID();
  const policy = { restore: 'allow', update: 'allow', ...(servers ? { servers } : {}) } as const;
  /** What the browser seals; `change` makes it wrong. */
  const seal = (change: Record<string, unknown> = {}) =>
    sealCredentials(identity.sealingKey, {
      ...{ agentId, serverId, engine: 'any', password: CANARY, name: 'main' },
      connection: { ...connection, user: 'root', tls: 'require' },
      restore: RESTORE,
      ...change,
    });
  const open = (sealed?: string) =>
    serverForRestore({ agentId, identity, policy, servers: store }, { serverId, sealed, restore: RESTORE });
  return { open, seal, path: state.path };
}

test('the stored account serves where none is given', async () => {
  const { open } = await agent();
  expect(await open()).toMatchObject({ password: 'stored', connection });
});

test('one that is given serves at the same place, under the server’s own name', async () => {
  const { open, path, seal } = await agent();
  const server = await open(await seal({ name: undefined }));
  expect(server).toMatchObject({ name: 'main', password: CANARY, connection: { user: 'root' } });
  const files = await readdir(path, { recursive: true, withFileTypes: true });
  const texts = files.filter((one) => one.isFile()).map((one) => readFile(join(one.parentPath, one.name)));
  expect((await Promise.all(texts)).filter((text) => text.includes(CANARY))).toEqual([]);
});

test.each([
  ['host', { connection: { ...connection, host: 'elsewhere' } }],
  ['port', { connection: { ...connection, port: 5433 } }],
  ['engine', { engine: 'another' }],
  ['name', { name: 'other' }],
  ['agent', { agentId: randomUUID() }],
  ['server', { serverId: randomUUID() }],
  ['snapshot', { restore: { ...RESTORE, snapshotId: randomUUID() } }],
  ['mode', { restore: { ...RESTORE, mode: 'in-place' } }],
  ['database', { restore: { ...RESTORE, targetDatabase: 'users' } }],
  ['purpose', { restore: undefined }],
])('one that was given for another %s is refused', async (_what, change) => {
  const { open, seal } = await agent();
  const wrong = open(await seal(change));
  await expect(wrong).rejects.toMatchObject({ failure: { code: 'destination_mismatch' } });
});

test('none is opened where credentials are the host’s own business', async () => {
  const { open, seal } = await agent('host-only');
  const denied = open(await seal());
  await expect(denied).rejects.toMatchObject({ failure: { code: 'policy_denied' } });
});
