import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Api } from '../support/api.ts';
import type { ApiAgent, ApiDatabase, ApiServer } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { bareEnvironment, ROOT, startChild } from '../support/child.ts';
import { type CliUser, cliUser } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { backUp, restore, sealedFor, startRestore } from '../support/protect.ts';
import { burnDown, heldBackup, logOf, shopWorld, successor } from './lost-host-world.ts';

const serverNow = (api: Api, { id }: ApiServer) => api.get<ApiServer>(`/servers/${id}`);

test('a host is lost in the middle of a backup: another one goes on with its history', async () => {
  const { agent, api, database, homeport, postgres, server, snapshots } = await shopWorld({ orders: 5_000 });
  const before = await checksums(postgres, 'shop');
  await api.put(`/servers/${server.id}/auto-protect`, { enabled: true });
  await using user = await cliUser(api);
  const held = await heldBackup(api, postgres, database.id);
  await burnDown(agent);
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
  expect(third.sequence).toBe(3);
  // Chunks under the old agent's keys are named and vouched for by what that one signed.
  expect(third.storedBytes).toBeLessThan(snapshots[0].storedBytes / 3);
  expect(await logOf(api, third)).toContain(
    'Goes on after snapshot 2 of “db-host”, and reuses what is stored',
  );
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
  const right = await enter(postgres.password);
  expect(right, right.stderr).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining('new-host logged in as'),
  });
  expect(right.stdout).toMatch(/^new-host has the credentials of main, with \d protected databases\.$/);
}

test('an agent that is alive is cut off and told why; the new host’s policy wins; the old disk stays out', async () => {
  const { agent, api, database, homeport, postgres, server, snapshots } = await shopWorld({ orders: 5_000 });
  const held = await heldBackup(api, postgres, database.id);
  const image = join(homeport.directory, 'image-of-the-old-disk');
  // A socket is nothing to copy.
  await cp(agent.state, image, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  const policy = '[policy]\nservers = "host-only"\n';
  const next = await successor(homeport, agent, { confirm: 'db-host', anew: true, policy });
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
  expect(snapshot.storedBytes).toBeGreaterThan(snapshots[0].storedBytes / 2);
  expect(await logOf(api, snapshot)).toContain('Goes on after snapshot 2 of “db-host”.');
  const { snapshot: fourth } = await backUp(api, database.id);
  expect(fourth.storedBytes).toBeLessThan(snapshot.storedBytes / 3);

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
