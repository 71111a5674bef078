import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { eq } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { findAgent } from '../../../control-plane/db/agents.ts';
import { openDb } from '../../../control-plane/db/open.ts';
import { agents, jobs, servers } from '../../../control-plane/db/schema/fleet.ts';
import { findServer } from '../../../control-plane/db/servers.ts';
import { openVaultService } from '../../../control-plane/vault/open.ts';
import { rebuildIndex } from '../../../control-plane/vault/rebuild.ts';
import { failureOf } from '../../contract/store.ts';
import { allSnapshots } from '../../support/all-snapshots.ts';
import type { Fleet } from './fleet.ts';
import { succeed } from './succeed.ts';
import { type Upload, type World, world } from './world.ts';

const downloaded = async (w: World, id: string) =>
  Buffer.concat(await Array.fromAsync((await w.vaults.service.download(id)).body));
const timeline = (w: World) =>
  allSnapshots(w.vaults.service).map(({ agentId, sequence }) => ({ agentId, sequence }));

/** Two snapshots of an agent, one of its successor. */
async function succeededWorld() {
  const w = await world();
  const old = await w.enrol();
  const dumps = [randomBytes(400_000), randomBytes(400_000), randomBytes(400_000)] as const;
  const backups = [await w.backUp(old, dumps[0]), await w.backUp(old, dumps[1])];
  const next = await succeed(w, old);
  backups.push(await w.backUp(next, dumps[2]));
  return { w, old, next, dumps, backups };
}

async function rebuilt(w: World) {
  w.stop();
  for (const suffix of ['', '-wal', '-shm']) await rm(w.databaseFile + suffix, { force: true });
  w.db = openDb(w.databaseFile);
  const [result] = await rebuildIndex({ dataDir: w.dataDir, db: w.db, master: w.master, quick: false });
  w.vaults = await openVaultService(w.options());
  return result;
}

test('two signers make one timeline, before and after a rebuild from the files alone', async () => {
  const { w: made, old, next, dumps, backups } = await succeededWorld();
  await using w = made;
  const expected = [
    { agentId: next.agentId, sequence: 3 },
    { agentId: old.agentId, sequence: 2 },
    { agentId: old.agentId, sequence: 1 },
  ];
  expect(timeline(w)).toEqual(expected);
  expect(await rebuilt(w)).toMatchObject({ refused: [], added: { agents: 2, snapshots: 3 } });
  expect(timeline(w).toSorted((a, b) => b.sequence - a.sequence)).toEqual(expected);
  for (const [at, dump] of dumps.entries())
    expect(dump.equals(await downloaded(w, backups[at]!.snapshotId))).toBe(true);
  expect(findServer(w.db, old.serverId)?.agentId).toBe(next.agentId);
  expect(findAgent(w.db, old.agentId)?.revokedAt).toBeGreaterThan(0);
  expect(findAgent(w.db, next.agentId)).toMatchObject({ predecessorId: old.agentId, revokedAt: null });
  const fourth = await w.backUp(next, dumps[2]);
  expect(w.vaults.service.snapshot(fourth.snapshotId)).toMatchObject({ sequence: 4, storedBytes: 0 });
});

test('after a rebuild a server whose successor has made no snapshot yet is that one’s, and waits', async () => {
  await using w = await world();
  const old = await w.enrol();
  await w.backUp(old, randomBytes(1_000));
  const between = await succeed(w, old);
  const last = await succeed(w, between);
  await rebuilt(w);
  const server = findServer(w.db, old.serverId);
  expect(server).toMatchObject({ agentId: last.agentId, awaitsCredentialsSince: expect.any(Number) });
});

test('the one before may neither ask for chunks nor add any', async () => {
  const { w: made, old } = await succeededWorld();
  await using w = made;
  const at = { agentId: old.agentId, vaultId: w.vaultId };
  const ask = async () => w.vaults.agents.missing(at, old.serverId, randomBytes(32));
  expect((await failureOf(ask())).code).toBe('forbidden');
  w.job(old);
  expect((await failureOf(w.upload(old, randomBytes(1_000)))).code).toBe('forbidden');
});

/** Somebody has the old agent's key and can write to the store. */
async function slipIn(w: World, old: Fleet, { upload, sequence }: { upload: Upload; sequence: number }) {
  const job = { ...w.job(old), sequence };
  const file = await w.manifest(old, job, upload);
  const folder = join(w.storePath, 'snapshots', `${old.databaseId}-shop`);
  const path = join(folder, `20260101T000000Z-${job.snapshotId}.json.zst`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, file);
  return job.snapshotId;
}

test.for(['start', 'rebuild'] as const)(
  'what the old key signs after the successor began is refused by name, at a %s; older history is not',
  async (way) => {
    await using w = await world();
    const old = await w.enrol();
    const job = w.job(old);
    const upload = await w.upload(old, randomBytes(100_000));
    const first = await w.manifest(old, job, upload);
    await w.client(old).commit({ jobId: job.id, attempt: 1 }, first, new AbortController().signal);
    w.end(job);
    const next = await succeed(w, old);
    await w.backUp(next, randomBytes(1_000));
    const forged = [2, 3, 99].map((sequence) => slipIn(w, old, { upload, sequence }));
    const ids = await Promise.all(forged);
    if (way === 'rebuild') await rebuilt(w);
    else {
      w.stop();
      await w.start();
    }
    const known = allSnapshots(w.vaults.service).map(({ sequence }) => sequence);
    expect(known.toSorted()).toEqual([1, 2]);
    expect(w.vaults.service.nextSequence(old.databaseId)).toBe(3);
    for (const id of ids) expect(w.vaults.service.snapshot(id)).toBeUndefined();
    const refused = w.reconciled?.refused ?? [];
    expect(refused).toHaveLength(3);
    for (const { reason } of refused) expect(reason).toContain('had been replaced');
  },
);

test('an index from before the succession catches up at the next start', async () => {
  const { w: made, old, next } = await succeededWorld();
  await using w = made;
  w.db.update(servers).set({ agentId: old.agentId, awaitsCredentialsSince: null }).run();
  w.db.update(agents).set({ revokedAt: null }).where(eq(agents.id, old.agentId)).run();
  w.db.delete(jobs).where(eq(jobs.agentId, next.agentId)).run();
  w.db.delete(agents).where(eq(agents.id, next.agentId)).run();
  w.stop();
  await rm(join(w.dataDir, 'keys', `revoked-${old.agentId}`));
  await w.start();
  expect(w.reconciled).toMatchObject({ refused: [], added: { agents: 1 } });
  const server = { agentId: next.agentId, awaitsCredentialsSince: expect.any(Number) };
  expect(findServer(w.db, old.serverId)).toMatchObject(server);
  expect(findAgent(w.db, old.agentId)?.revokedAt).toBeGreaterThan(0);
});
