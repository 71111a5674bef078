import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { snapshotQueries } from '../../../control-plane/db/snapshots.ts';
import { failureOf } from '../../contract/store.ts';
import { world } from './world.ts';

test('a restore whose snapshot is not known when it first asks gets its packs once it is', async () => {
  await using w = await world();
  const fleet = await w.enrol();
  const { snapshotId } = await w.backUp(fleet, randomBytes(100_000));
  const [pack] = await w.files('packs');
  const sha256 = basename(String(pack));
  const at = { agentId: fleet.agentId, vaultId: w.vaultId };
  const snapshots = snapshotQueries(w.db);
  const row = snapshots.snapshot(snapshotId);
  if (!row) throw new Error('the backup made no snapshot');
  w.job(fleet, { kind: 'restore', snapshotId, sequence: null });
  snapshots.remove(snapshotId);
  expect((await failureOf(w.vaults.agents.getPack(at, sha256, undefined))).code).toBe('forbidden');
  snapshots.add(row);
  const { body, bytes } = await w.vaults.agents.getPack(at, sha256, undefined);
  expect(Buffer.concat(await Array.fromAsync(body))).toHaveLength(bytes);
});
