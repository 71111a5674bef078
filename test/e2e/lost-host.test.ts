import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { DATABASE_FILE } from '../../control-plane/db/open.ts';
import { type Agent, startAgent } from '../support/agent.ts';
import type { Api } from '../support/api.ts';
import type { ApiAgent, ApiDatabase, ApiJob, ApiServer, ApiSnapshot } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { bareEnvironment, ROOT, startChild } from '../support/child.ts';
import { type CliUser, cliUser } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { type Homeport, startHomeport } from '../support/harness.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { addServer, backUp, protect, restore, sealedFor, startRestore } from '../support/protect.ts';
import { recoveryDesk } from '../support/recovery.ts';
import { changeShop, createShop } from '../support/shop.ts';

/** A Homeport with one agent, whose server has a shop that was backed up twice. */
async function shopWorld() {
  const homeport = await startHomeport();
  onTestFinished(({ task }) => homeport.stop({ keep: task.result?.state === 'fail' }));
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  const { api } = homeport;
  await createShop(postgres, 'shop', 20_000);
  const agent = await homeport.agent('db-host');
  const server = await addServer(api, agent, { name: 'main', server: postgres });
  const database = await protect(api, server.id, 'shop');
  const first = (await backUp(api, database.id)).snapshot;
  await changeShop(postgres, 'shop');
  const second = (await backUp(api, database.id)).snapshot;
  return { homeport, postgres, api, agent, server, database, snapshots: [first, second] as const };
}

/** Begins a backup that waits at a locked table until the lock's holder goes. */
async function heldBackup(api: Api, postgres: TestPostgres, databaseId: string) {
  const { host, password, port, superuser } = postgres;
  const holder = new pg.Client({ host, port, user: superuser, password, database: 'shop' });
  await holder.connect();
  await holder.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
  const { id } = await api.post<ApiJob>(`/databases/${databaseId}/backup`);
  await eventually('the backup runs', async () => (await api.get<ApiJob>(`/jobs/${id}`)).state === 'running');
  return { jobId: id, release: () => holder.end() };
}

/** The host burns down: nothing of the agent is left. @returns a copy of its state, from an image of the disk */
async function burnDown(homeport: Homeport, agent: Agent): Promise<string> {
  const image = join(homeport.directory, 'image-of-the-old-disk');
  await agent.kill();
  await cp(agent.state, image, { recursive: true });
  await rm(agent.state, { recursive: true });
  await agent.offline();
  return image;
}

async function successor(
  homeport: Homeport,
  lost: Agent,
  options: { confirm?: string; policy?: string } = {},
) {
  const { confirm, policy } = options;
  const state = join(homeport.directory, 'agents', 'new-host');
  const logDirectory = join(homeport.directory, 'logs');
  const config = join(homeport.directory, 'agent.toml');
  await mkdir(state, { recursive: true });
  await writeFile(config, policy ?? '');
  const next = await startAgent({
    ...{ name: 'new-host', state, logDirectory, api: homeport.api },
    env: { HOMEPORT_AGENT_CONFIG: config },
    successorOf: { id: lost.id, ...(confirm ? { confirm } : {}) },
  });
  onTestFinished(() => next.kill());
  return next;
}

const serverNow = (api: Api, { id }: ApiServer) => api.get<ApiServer>(`/servers/${id}`);
const downloaded = async (api: Api, { id }: ApiSnapshot) =>
  Buffer.from(await (await api.fetch(`/snapshots/${id}/download`)).arrayBuffer());

test('a host is lost in the middle of a backup: another one goes on with its history', async () => {
  const { agent, api, database, homeport, postgres, server, snapshots } = await shopWorld();
  const before = await checksums(postgres, 'shop');
  await api.put(`/servers/${server.id}/auto-protect`, { enabled: true });
  await using user = await cliUser(api);
  const held = await heldBackup(api, postgres, database.id);
  await burnDown(homeport, agent);
  await postgres.query('CREATE DATABASE ledger');
  const next = await successor(homeport, agent);
  await held.release();

  expect(next.enrolled).toContain(`the place of “db-host” (${agent.id}), which is cut off for good`);
  expect(next.enrolled).toContain('1 of its servers waits for credentials');
  expect(await next.cli(['fingerprint'])).toContain(`Successor of: “db-host” (${agent.id})`);
  const lost = { state: 'lost', failure: { code: 'agent_revoked' } };
  expect(await api.finished(held.jobId)).toMatchObject(lost);
  expect(await api.get<ApiAgent>(`/agents/${agent.id}`)).toMatchObject({
    state: 'revoked',
    successor: { id: next.id, name: 'new-host' },
  });
  const statusReason = 'Its server waits for credentials on the new agent.';
  const atRisk = { status: 'at-risk', statusReason };
  expect(await api.get(`/databases/${database.id}`)).toMatchObject(atRisk);
  const plan = { targetDatabase: 'shop_back' };
  await expect(startRestore(api, snapshots[1].id, { serverId: server.id, plan })).rejects.toMatchObject({
    failure: { code: 'credentials_missing' },
  });

  await enterCredentials(user, { postgres, server });
  expect(await serverNow(api, server)).toMatchObject({ agentId: next.id, awaitsCredentialsSince: null });
  await restore(api, snapshots[1].id, { serverId: server.id, plan });
  expect(await checksums(postgres, 'shop_back')).toEqual(before);
  await eventually('the switch goes on protecting what appears', async () => {
    const databases = await api.get<ApiDatabase[]>(`/databases?serverId=${server.id}`);
    return databases.some(({ name }) => name === 'ledger');
  });
  const third = (await backUp(api, database.id)).snapshot;
  const fourth = (await backUp(api, database.id)).snapshot;
  expect([third.sequence, fourth.sequence]).toEqual([3, 4]);
  // Chunks under the old agent's keys are none that this one can vouch for: its first backup is a full one.
  expect(third.storedBytes).toBeGreaterThan(snapshots[0].storedBytes / 2);
  expect(fourth.storedBytes).toBeLessThan(third.storedBytes / 10);
  await bothSignersAreRead(api, user, [...snapshots, third, fourth]);
  await rebuildAndGoOn(homeport, { next, server, database });
});

/** By the command line, as it lists them; a wrong password changes nothing. */
async function enterCredentials(user: CliUser, at: { postgres: TestPostgres; server: ApiServer }) {
  const { postgres, server } = at;
  const listed = await user.run(['credentials']);
  expect(listed.stdout).toMatch(
    new RegExp(`^main +postgresql +${postgres.superuser}@.*:${postgres.port} +new-host .*${server.id}$`, 'm'),
  );
  expect((await user.run(['servers'])).stdout).toMatch(/^main .* waits for credentials +new-host/m);
  const enter = (password: string) =>
    user.run(['credentials', 'new-host/main', '--password-file', '-'], { input: `${password}\n` });
  const wrong = await enter('wrong');
  expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('(access_denied)') });
  expect((await user.run(['credentials'])).stdout).toContain(server.id);
  const right = await enter(postgres.password);
  expect(right, right.stderr).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining('new-host logged in as'),
  });
  expect(right.stdout).toMatch(/^new-host has the credentials of main, with \d protected databases\.$/);
  expect(await user.run(['credentials'])).toMatchObject({ exitCode: 0, stdout: '' });
}

/** By download, and with nothing but the vault's files and the kit; the last of the one, the first of the other. */
async function bothSignersAreRead(api: Api, user: CliUser, snapshots: ApiSnapshot[]): Promise<void> {
  await user.run(['recovery-kit', 'Default', '--out', 'kit.txt']);
  const [vault] = await api.get<{ path: string }[]>('/vaults');
  await using desk = await recoveryDesk(
    vault?.path ?? '',
    await readFile(join(user.home, 'kit.txt'), 'utf8'),
  );
  const { code, stdout } = await desk.recover('--kit', 'kit.txt', 'list');
  expect(code).toBe(0);
  for (const { id, sequence } of snapshots)
    expect(stdout).toMatch(new RegExp(`^${id}  .*  main/shop #${sequence}  postgresql`, 'm'));
  for (const snapshot of snapshots.slice(1, 3)) {
    const got = await desk.recover(
      '--kit',
      'kit.txt',
      'get',
      snapshot.id,
      '--out',
      `${snapshot.sequence}.dump`,
    );
    expect(got, got.stderr).toMatchObject({ code: 0 });
    const recovered = await readFile(join(desk.path, `${snapshot.sequence}.dump`));
    expect(recovered.equals(await downloaded(api, snapshot))).toBe(true);
  }
}

/** The control plane's database is lost as well. */
async function rebuildAndGoOn(
  { controlPlane }: Homeport,
  { database, next, server }: { next: Agent; server: ApiServer; database: ApiDatabase },
): Promise<void> {
  await next.stop();
  await controlPlane.stop();
  for (const suffix of ['', '-wal', '-shm'])
    await rm(join(controlPlane.data, DATABASE_FILE + suffix), { force: true });
  await controlPlane.cli('vault', 'rebuild');
  await controlPlane.start();
  const api = await controlPlane.createApi('after');
  const timeline = await api.get<ApiSnapshot[]>(`/snapshots?databaseId=${database.id}`);
  expect(timeline.map(({ sequence }) => sequence).toSorted()).toEqual([1, 2, 3, 4]);
  next.start();
  await eventually('the successor is back with its server', async () => {
    const { agentId, agentState, awaitsCredentialsSince, removedFromAgent } = await api.get<
      ApiServer & { agentState: string }
    >(`/servers/${server.id}`);
    return agentId === next.id && agentState === 'online' && !awaitsCredentialsSince && !removedFromAgent;
  });
  const { snapshot } = await backUp(api, database.id);
  expect(snapshot.sequence).toBe(5);
  expect(snapshot.storedBytes).toBeLessThan(timeline[0]!.rawBytes / 10);
}

test('an agent that is alive is cut off and told why; the new host’s policy wins; the old disk stays out', async () => {
  const { agent, api, database, homeport, postgres, server } = await shopWorld();
  const held = await heldBackup(api, postgres, database.id);
  const image = join(homeport.directory, 'image-of-the-old-disk');
  await cp(agent.state, image, { recursive: true });
  const policy = '[policy]\nservers = "host-only"\n';
  const next = await successor(homeport, agent, { confirm: 'db-host', policy });
  await agent.process().printed(/was replaced by “new-host”/);
  expect(await api.finished(held.jobId)).toMatchObject({ state: 'lost', failure: { code: 'agent_revoked' } });
  await held.release();
  await agent.kill();

  const sealed = await sealedFor(api, next, { serverId: server.id, server: postgres, name: 'main' });
  const put = api.put(`/servers/${server.id}`, {
    agentId: next.id,
    name: 'main',
    engine: 'postgresql',
    sealed,
  });
  await expect(put).rejects.toMatchObject({ failure: { code: 'policy_denied' } });
  const { host, password, port, superuser } = postgres;
  const line = ['server', 'add', 'main', '--engine', 'postgresql', '--host', host, '--port', String(port)];
  const added = await next.cli([...line, '--user', superuser, '--tls', 'off', '--id', server.id], password);
  expect(added).toContain(`Added main  postgresql  ${superuser}@${host}:${port}  ${server.id}`);
  await eventually('the server waits no longer', async () => {
    const now = await serverNow(api, server);
    return now.awaitsCredentialsSince === null && now.addedOnHost;
  });
  const { snapshot } = await backUp(api, database.id);
  expect(snapshot.sequence).toBe(3);

  const ghost = startChild({
    name: 'agent-from-the-old-disk',
    command: [join(ROOT, 'agent/homeport-agent'), 'run'],
    env: bareEnvironment({ HOMEPORT_AGENT_STATE: image }),
    logDirectory: join(homeport.directory, 'logs'),
  });
  onTestFinished(() => ghost.end('SIGKILL'));
  await ghost.printed(/"code":"agent_revoked".*was replaced by “new-host”/);
  expect(await next.online()).toMatchObject({ state: 'online' });
});
