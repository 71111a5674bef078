import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { enrol } from '../../agent/connection/enrol.ts';
import { ensureIdentity } from '../../agent/identity.ts';
import { findAgent, revokeAgent } from '../../control-plane/db/agents.ts';
import { DATABASE_FILE, openDb } from '../../control-plane/db/open.ts';
import { rebuildIndex } from '../../control-plane/vault/rebuild.ts';
import { type World as VaultWorld, world as vaultWorld } from '../control-plane/vault/world.ts';
import { startWorld } from '../control-plane/world.ts';
import { temporaryState } from '../support/agent-at-peer.ts';

async function loseDatabase(w: VaultWorld): Promise<void> {
  w.stop();
  for (const name of await readdir(w.dataDir))
    if (name.startsWith(DATABASE_FILE)) await rm(join(w.dataDir, name));
}

test('revoking keeps a note beside the keys; a second try writes what a first could not', async () => {
  await using w = await startWorld();
  await using state = await temporaryState();
  const { token } = await w.api.post<{ token: string }>('/enrolment-tokens', {});
  const identity = await ensureIdentity(state.path);
  const { agentId } = await enrol({ url: w.api.url, token, name: 'host', identity, allowedKey: undefined });
  await w.api.post(`/agents/${agentId}/revoke`, { confirm: 'host' });
  const keys = join(w.config.dataDir, 'keys');
  expect(await readdir(keys)).toContain(`revoked-${agentId}`);
  await rm(join(keys, `revoked-${agentId}`));
  const again = w.api.post(`/agents/${agentId}/revoke`, { confirm: 'host' });
  await expect(again).rejects.toMatchObject({ failure: { code: 'conflict' } });
  expect(await readdir(keys)).toContain(`revoked-${agentId}`);
});

test.for(['start', 'rebuild'] as const)(
  'a revoked agent stays revoked when the database is lost, after a %s',
  async (way) => {
    const w = await vaultWorld();
    onTestFinished(() => w[Symbol.asyncDispose]());
    const [stolen, honest] = [await w.enrol(), await w.enrol()];
    await w.vaults.service.withdrawAgent(stolen.agentId);
    await loseDatabase(w);
    if (way === 'start') {
      await w.start();
    } else {
      w.db = openDb(w.databaseFile);
      await rebuildIndex({ dataDir: w.dataDir, db: w.db, master: w.master, quick: true });
    }
    // Its certificate brings it back, since its snapshots need it; its membership does not come with it.
    expect(findAgent(w.db, stolen.agentId)?.revokedAt).toBeGreaterThan(0);
    expect(findAgent(w.db, honest.agentId)).toMatchObject({ revokedAt: null });
  },
);

test('revocations from before notes were kept get one at the next start; a damaged note revokes too', async () => {
  await using w = await vaultWorld();
  const [early, damaged] = [await w.enrol(), await w.enrol()];
  revokeAgent(w.db, early.agentId, 1_700_000_000_000);
  await writeFile(join(w.dataDir, 'keys', `revoked-${damaged.agentId}`), '');
  w.stop();
  await w.start();
  await loseDatabase(w);
  await w.start();
  expect(findAgent(w.db, early.agentId)?.revokedAt).toBe(1_700_000_000_000);
  expect(findAgent(w.db, damaged.agentId)?.revokedAt).not.toBeNull();
});
