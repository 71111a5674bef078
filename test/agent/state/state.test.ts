import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ensureIdentity, loadIdentity } from '../../../agent/identity.ts';
import { requireStateDir } from '../../../agent/state/folder.ts';
import { createKeyStore } from '../../../agent/state/keys.ts';
import { lockState } from '../../../agent/state/lock.ts';
import { createServerStore, openSealedCredentials } from '../../../agent/state/servers.ts';
import { createVaultPins } from '../../../agent/state/vaults.ts';
import { ed25519Raw, generateEd25519 } from '../../../protocol/keys.ts';
import { generateVaultKey, keyHash } from '../../../protocol/vault/keys.ts';
import { signStatement } from '../../../protocol/vault/statement.ts';
import { temporaryState } from '../../support/agent-at-peer.ts';
import { eventually } from '../../support/eventually.ts';
import { sealCredentials } from '../../support/seal.ts';

async function stateDir(): Promise<string> {
  const state = await temporaryState();
  onTestFinished(() => state[Symbol.asyncDispose]());
  return state.path;
}

const failingWith = (code: string) => expect.objectContaining({ failure: expect.objectContaining({ code }) });

describe('identity', () => {
  test('is made once, and nobody else may read it', async () => {
    const state = await stateDir();
    const made = await ensureIdentity(state);
    expect((await loadIdentity(state))?.fingerprint).toBe(made.fingerprint);
    expect((await ensureIdentity(state)).sealingKey).toBe(made.sealingKey);
    expect((await stat(join(state, 'identity.json'))).mode & 0o777).toBe(0o600);
    expect(await readdir(state)).toEqual(['identity.json']);
  });
  test('a damaged file is named, not replaced', async () => {
    const state = await stateDir();
    await writeFile(join(state, 'identity.json'), '{');
    await expect(ensureIdentity(state)).rejects.toThrow(join(state, 'identity.json'));
  });
});

test('a state directory that cannot be used is named, with the user and the remedy', async () => {
  const failure = expect.objectContaining({
    code: 'invalid_input',
    message: expect.stringMatching(/^The state directory \/dev\/null\/state cannot be used by user \d+: /),
    hint: expect.stringMatching(/chown -R \d+.*mounted there/),
  });
  const refused = requireStateDir('/dev/null/state');
  await expect(refused).rejects.toEqual(expect.objectContaining({ failure }));
});

describe('servers', () => {
  const server = {
    id: randomUUID(),
    name: 'main',
    engine: 'postgresql',
    connection: { host: 'x' },
    password: 'hush',
  };
  test('are kept with their passwords and listed without', async () => {
    const store = createServerStore(await stateDir());
    expect(await store.list()).toEqual([]);
    await store.put(server);
    expect(await store.get(server.id)).toMatchObject(server);
    expect(JSON.stringify(await store.list())).not.toContain('hush');
    await store.remove(server.id);
    await expect(store.get(server.id)).rejects.toEqual(failingWith('credentials_missing'));
  });
  test('changes made by another process are noticed', async () => {
    const state = await stateDir();
    let changes = 0;
    const stop = await createServerStore(state).watch(() => {
      changes += 1;
    });
    await createServerStore(state).put(server);
    await eventually('the change is noticed', () => changes > 0);
    stop();
  });
  test('sealed credentials open for their destination only', async () => {
    const identity = await ensureIdentity(await stateDir());
    const place = { agentId: randomUUID(), serverId: randomUUID() };
    const content = { ...place, engine: 'postgresql', connection: { host: 'x' }, password: 'hush' };
    const sealed = await sealCredentials(identity.sealingKey, content);
    const open = (destination: typeof place) =>
      openSealedCredentials(sealed, identity.sealingIdentity, destination);
    expect(await open(place)).toMatchObject(content);
    for (const wrong of [{ agentId: randomUUID() }, { serverId: randomUUID() }]) {
      await expect(open({ ...place, ...wrong })).rejects.toEqual(failingWith('destination_mismatch'));
    }
    const other = await ensureIdentity(await stateDir());
    await expect(openSealedCredentials(sealed, other.sealingIdentity, place)).rejects.toEqual(
      failingWith('destination_mismatch'),
    );
  });
});

describe('keys', () => {
  const vaultId = randomUUID();
  test('a server has one id key, also when asked for twice at once', async () => {
    const state = await stateDir();
    const serverId = randomUUID();
    const store = createKeyStore(state);
    const [a, b] = await Promise.all([store.idKey(serverId), store.idKey(serverId)]);
    expect(a.id).toBe(b.id);
    expect((await createKeyStore(state).idKey(serverId)).secret).toEqual(a.secret);
  });
  test('own data keys are known to the next process, for their server only', async () => {
    const state = await stateDir();
    const serverId = randomUUID();
    const key = await createKeyStore(state).newDataKey(vaultId, serverId);
    const next = createKeyStore(state);
    expect(await next.ownDataKeys(vaultId, serverId)).toEqual(
      new Map([[key.id, keyHash('data', key.secret)]]),
    );
    expect((await next.ownDataKeys(vaultId, randomUUID())).size).toBe(0);
  });
  test('a proved key of another agent is taken over where the server has none yet', async () => {
    const state = await stateDir();
    const place = { vaultId, serverId: randomUUID() };
    const dataKeys = ['ab', 'cd'].map((byte) => ({ id: byte.repeat(16), hash: byte.repeat(32) }));
    const idKey = generateVaultKey();
    expect(await createKeyStore(state).adopt(place, { idKey, dataKeys })).toBe(true);
    const next = createKeyStore(state);
    expect(await next.idKey(place.serverId)).toEqual(idKey);
    const own = await next.newDataKey(vaultId, place.serverId);
    const known = await next.ownDataKeys(vaultId, place.serverId);
    expect([...known.keys()]).toEqual([...dataKeys.map(({ id }) => id), own.id]);
    // Another database of the server was proved as well: the same id key, further data keys.
    const further = [{ id: 'ef'.repeat(16), hash: 'ef'.repeat(32) }];
    expect(await next.adopt(place, { idKey, dataKeys: further })).toBe(true);
    expect((await next.ownDataKeys(vaultId, place.serverId)).size).toBe(4);
  });
  test('and is not where the server has another id key: its chunks have other names', async () => {
    const store = createKeyStore(await stateDir());
    const place = { vaultId, serverId: randomUUID() };
    const [made, adopted] = await Promise.all([
      store.idKey(place.serverId),
      store.adopt(place, {
        idKey: generateVaultKey(),
        dataKeys: [{ id: 'ab'.repeat(16), hash: 'ab'.repeat(32) }],
      }),
    ]);
    expect(adopted).toBe(false);
    expect((await store.idKey(place.serverId)).id).toBe(made.id);
    expect((await store.ownDataKeys(vaultId, place.serverId)).size).toBe(0);
  });
  test('a line torn by a crash hides no other', async () => {
    const state = await stateDir();
    const serverId = randomUUID();
    const store = createKeyStore(state);
    const first = await store.newDataKey(vaultId, serverId);
    await appendFile(join(state, 'data-keys', `${vaultId}.jsonl`), '{"keyId":"12');
    const second = await store.newDataKey(vaultId, serverId);
    expect([...(await store.ownDataKeys(vaultId, serverId)).keys()]).toEqual([first.id, second.id]);
  });
});

describe('vault pins', () => {
  const id = randomUUID();
  const signing = generateEd25519().key;
  function statement(version: number, recipients = ['age1a'], key = signing) {
    const about = { format: 1 as const, vaultId: id, version, recipients, createdAt: '2026-01-01T00:00:00Z' };
    return { id, statement: signStatement('vault', { ...about, signingKey: ed25519Raw(key) }, key) };
  }
  test('a higher version with the pinned signature is taken, anything else is not', async () => {
    const pins = createVaultPins(await stateDir());
    await pins.admit(statement(2));
    await pins.admit(statement(2));
    await expect(pins.admit(statement(2, ['age1b']))).rejects.toEqual(failingWith('control_plane_untrusted'));
    await expect(pins.admit(statement(1))).rejects.toEqual(failingWith('control_plane_untrusted'));
    await expect(pins.admit(statement(3, ['age1a'], generateEd25519().key))).rejects.toEqual(
      failingWith('signature_invalid'),
    );
    expect((await pins.admit(statement(3, ['age1b']))).recipients).toEqual(['age1b']);
  });
  test('another vault under this id is refused', async () => {
    const pins = createVaultPins(await stateDir());
    await expect(pins.admit({ ...statement(1), id: randomUUID() })).rejects.toEqual(
      failingWith('control_plane_untrusted'),
    );
  });
  test('sequence numbers only go up, per database and over restarts', async () => {
    const state = await stateDir();
    const pins = createVaultPins(state);
    await pins.admit(statement(1));
    await pins.checkSequence(id, 'a', 1);
    await Promise.all([pins.committed(id, 'a', 5), pins.committed(id, 'b', 2)]);
    const next = createVaultPins(state);
    await expect(next.checkSequence(id, 'a', 5)).rejects.toEqual(failingWith('control_plane_untrusted'));
    await next.checkSequence(id, 'a', 6);
    await next.checkSequence(id, 'b', 3);
  });
});

describe('the lock of a state directory', () => {
  test('lets one process run, and is taken over from a dead one', async () => {
    const state = await stateDir();
    const unlock = await lockState(state);
    await expect(lockState(state)).rejects.toEqual(failingWith('agent_duplicate'));
    await unlock();
    await mkdir(state, { recursive: true });
    await writeFile(join(state, 'run.lock'), `${process.pid} 1`);
    await (await lockState(state))();
  });

  test('is kept from a container that does not know the process', async () => {
    const state = await stateDir();
    const unlock = await lockState(state);
    // What its process id is there belongs to another process.
    await writeFile(join(state, 'run.lock'), '2 1');
    await expect(lockState(state)).rejects.toEqual(failingWith('agent_duplicate'));
    expect((await stat(join(state, 'run.sock'))).mode & 0o777).toBe(0o600);
    await unlock();
    expect(await readdir(state)).toEqual([]);
    await (await lockState(state))();
  });

  test('does not need a socket where there can be none', async () => {
    const state = join(await stateDir(), 'long'.repeat(30));
    const unlock = await lockState(state);
    await expect(lockState(state)).rejects.toEqual(failingWith('agent_duplicate'));
    expect(await readdir(state)).toEqual(['run.lock']);
    await unlock();
  });

  test('is taken over from a process that was killed, whose socket is left', async () => {
    const state = await stateDir();
    const left = join(state, 'run.sock');
    const script = `require('node:net').createServer().listen('${left}', () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect((await stat(left)).isSocket()).toBe(true);
    await (await lockState(state))();
  });
});
