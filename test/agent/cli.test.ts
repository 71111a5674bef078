import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryState } from '../support/agent-at-peer.ts';
import { type Peer, startPeer } from '../support/peer.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let peer: Peer;
let postgres: TestPostgres;
let state: Awaited<ReturnType<typeof temporaryState>>;

beforeAll(async () => {
  [peer, postgres, state] = await Promise.all([startPeer(), startPostgres(), temporaryState()]);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await postgres.stop();
  await state[Symbol.asyncDispose]();
});

async function agent(args: string[], input = '') {
  const command = ['agent/main.ts', '--state', state.path, ...args];
  const { exitCode, stdout, stderr } = await execa(process.execPath, command, { input, reject: false });
  return { exitCode, stdout, stderr };
}

const server = () => ['--engine', 'postgresql', '--host', postgres.host, '--port', String(postgres.port)];
const add = (name: string, password: string) =>
  agent(['server', 'add', name, ...server(), '--user', postgres.superuser, '--tls', 'off'], password);

test('what is used wrongly ends with 2, what fails with 1 and a remedy', async () => {
  expect(await agent(['enrol'])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--url') });
  expect(await agent(['frobnicate'])).toMatchObject({ exitCode: 2 });
  expect(await agent(['run'])).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Add agent') });
  expect(await agent(['--help'])).toMatchObject({ exitCode: 0 });
});

test('enrols with a token from a file that only its owner may read', async () => {
  const file = join(state.path, 'token');
  await writeFile(file, `${peer.token}\n`);
  await chmod(file, 0o644);
  const args = ['enrol', '--url', peer.url, '--name', 'db-1', '--token-file', file];
  expect(await agent(args)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('chmod 600') });
  await chmod(file, 0o600);
  expect(await agent(args)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('Enrolled with'),
  });
  expect(await agent(args)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('conflict') });
});

test('shows the fingerprint that the control plane shows', async () => {
  const { stdout } = await agent(['fingerprint']);
  const identity = /Sealing key: (age1\w+)/.exec(stdout)?.[1];
  expect(identity).toBe(peer.agent.sealingKey);
  expect(stdout).toContain(peer.agent.id);
});

test('adds, lists and removes a server, whose password comes from standard input', async () => {
  expect(await add('main', 'wrong')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('access_denied'),
  });
  expect(await add('main', `${postgres.password}\n`)).toMatchObject({ exitCode: 0 });
  expect(await add('main', postgres.password)).toMatchObject({ exitCode: 1 });
  const { stdout } = await agent(['server', 'list']);
  expect(stdout).toContain(`${postgres.superuser}@${postgres.host}:${postgres.port}`);
  expect(stdout).not.toContain(postgres.password);
  const id = stdout.trim().split(/\s+/).at(-1);
  const kept = await readFile(join(state.path, 'servers', `${id}.json`), 'utf8');
  expect(JSON.parse(kept)).toMatchObject({ name: 'main', password: postgres.password });
  expect(await agent(['server', 'remove', 'main'])).toMatchObject({ exitCode: 0 });
  expect((await agent(['server', 'list'])).stdout).toBe('');
});
