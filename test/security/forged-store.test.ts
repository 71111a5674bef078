import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { expect, onTestFinished, test } from 'vitest';
import { createVaultPins } from '../../agent/state/vaults.ts';
import { fingerprint } from '../../protocol/enrolment.ts';
import { ed25519Raw, generateEd25519 } from '../../protocol/keys.ts';
import { signStatement } from '../../protocol/vault/statement.ts';
import { world } from '../control-plane/vault/world.ts';
import { temporaryState } from '../support/agent-at-peer.ts';
import { allSnapshots } from '../support/all-snapshots.ts';

test('a writer to the store with one agent’s key cannot add snapshots of another agent’s databases', async () => {
  await using w = await world();
  const [victim, thief] = [await w.enrol(), await w.enrol()];
  await w.backUp(victim, randomBytes(300_000));
  const job = w.job(victim);
  const upload = await w.upload(victim, randomBytes(300_000));
  const forger = { ...victim, agentId: thief.agentId, key: thief.key };
  const name = `snapshots/${victim.databaseId}-shop/20990101T000000Z-${job.snapshotId}.json.zst`;
  const path = join(w.storePath, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, await w.manifest(forger, job, upload));
  w.stop();
  await w.start();
  expect(w.reconciled?.refused).toMatchObject([{ name, reason: expect.stringContaining('another agent') }]);
  expect(allSnapshots(w.vaults.service, victim.databaseId)).toHaveLength(1);
});

test('a vault’s statement can change neither its recipients silently nor its signing key at all', async () => {
  const state = await temporaryState();
  onTestFinished(() => state[Symbol.asyncDispose]());
  const pins = createVaultPins(state.path);
  const [ours, theirs] = [generateEd25519().key, generateEd25519().key];
  const recipient = async () => identityToRecipient(await generateX25519Identity());
  const [good, evil] = [await recipient(), await recipient()];
  const id = randomUUID();
  const statement = (
    change: { version?: number; recipients?: string[]; names?: typeof ours },
    by = ours,
  ) => ({
    id,
    statement: signStatement(
      'vault',
      {
        format: 1,
        vaultId: id,
        version: change.version ?? 1,
        recipients: change.recipients ?? [good],
        signingKey: ed25519Raw(change.names ?? ours),
        createdAt: '2026-01-01T00:00:00.000Z',
      },
      by,
    ),
  });
  await pins.admit(statement({ version: 2 }));
  const untrusted = { failure: { code: 'control_plane_untrusted' } };
  await expect(pins.admit(statement({ version: 2, recipients: [evil] }))).rejects.toMatchObject(untrusted);
  await expect(pins.admit(statement({ version: 1 }))).rejects.toMatchObject(untrusted);
  await expect(pins.admit(statement({ version: 3, names: theirs }))).rejects.toMatchObject(untrusted);
  await expect(pins.admit(statement({ version: 2, names: theirs }))).rejects.toMatchObject(untrusted);
  const foreign = statement({ version: 3, recipients: [evil], names: theirs }, theirs);
  await expect(pins.admit(foreign)).rejects.toMatchObject({ failure: { code: 'signature_invalid' } });
  expect((await pins.admit(statement({ version: 2 }))).recipients).toEqual([good]);
});

test('where the policy names a vault, a second one is no way round its key', async () => {
  const state = await temporaryState();
  onTestFinished(() => state[Symbol.asyncDispose]());
  const [ours, theirs] = [generateEd25519().key, generateEd25519().key];
  const recipients = [await identityToRecipient(await generateX25519Identity())];
  const pins = createVaultPins(state.path, fingerprint(ed25519Raw(ours)));
  const vaultOf = (key: typeof ours) => {
    const id = randomUUID();
    const about = { format: 1, version: 1, recipients, createdAt: '2026-01-01T00:00:00.000Z' } as const;
    const statement = signStatement('vault', { ...about, vaultId: id, signingKey: ed25519Raw(key) }, key);
    return { id, statement };
  };
  await expect(pins.admit(vaultOf(theirs))).rejects.toMatchObject({ failure: { code: 'policy_denied' } });
  expect((await pins.admit(vaultOf(ours))).recipients).toEqual(recipients);
});
