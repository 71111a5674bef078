import { chown, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { agentStatus } from '../../agent/status.ts';
import { enrolAt, runAgent, temporaryState } from '../support/agent-at-peer.ts';
import { eventually } from '../support/eventually.ts';
import { type Peer, startPeer } from '../support/peer.ts';

let peer: Peer;
let state: Awaited<ReturnType<typeof temporaryState>>;

beforeEach(async () => {
  [peer, state] = await Promise.all([startPeer(), temporaryState()]);
});
afterEach(async () => {
  await peer[Symbol.asyncDispose]();
  await state[Symbol.asyncDispose]();
});

const command = (...args: string[]) =>
  execa(process.execPath, ['agent/main.ts', '--state', state.path, ...args], { reject: false });
const becomes = (wanted: string) =>
  eventually(`the agent is ${wanted}`, async () => {
    const status = await agentStatus(state.path);
    return status.state === wanted && status;
  });

test('status follows the agent from its enrolment to its end', async () => {
  expect(await agentStatus(state.path)).toEqual({ state: 'not-enrolled', runningJobs: 0 });
  await enrolAt(peer, state.path);
  expect(await agentStatus(state.path)).toMatchObject({ state: 'stopped', url: peer.url });
  const agent = await runAgent(state.path);
  const connected = await becomes('connected');
  expect(connected).toMatchObject({ pid: process.pid, url: peer.url, agentId: peer.agent.id });
  await peer[Symbol.asyncDispose]();
  expect((await becomes('connecting')).failure).toMatchObject({ code: 'control_plane_unreachable' });
  await agent.drain();
  expect(await agentStatus(state.path)).toMatchObject({ state: 'stopped' });
});

test('the command waits for the connection, and its exit code tells', async () => {
  await enrolAt(peer, state.path);
  const before = await command('status');
  expect(before).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^State: +not running/) });
  const waiting = command('status', '--wait', '60', '--json');
  const agent = await runAgent(state.path);
  const { exitCode, stdout } = await waiting;
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ state: 'connected', url: peer.url, runningJobs: 0 });
  await agent.drain();
  expect(await command('status', '--wait', 'long')).toMatchObject({ exitCode: 2 });
});

test('what an agent noted that was killed is not believed', async () => {
  await enrolAt(peer, state.path);
  const since = new Date().toISOString();
  const note = { v: 1, pid: 1, version: '0.0.1', state: 'connected', since };
  await writeFile(join(state.path, 'connection.json'), JSON.stringify(note));
  expect(await agentStatus(state.path)).toMatchObject({ state: 'stopped' });
});

test.runIf(process.getuid?.() === 0)('run by root, it acts as the owner of the state directory', async () => {
  const [uid, gid] = [65534, 65534];
  await chown(state.path, uid, gid);
  const args = ['server', 'add', 'later', '--engine', 'postgresql', '--host', '127.0.0.1', '--user', 'x'];
  const added = await execa(
    process.execPath,
    ['agent/main.ts', '--state', state.path, ...args, '--no-check'],
    { input: 'secret', reject: false },
  );
  expect(added).toMatchObject({ exitCode: 0 });
  const kept = await stat(join(state.path, 'servers'));
  expect([kept.uid, kept.gid]).toEqual([uid, gid]);
  // What that user may not read, root's command may not either.
  await writeFile(join(state.path, 'secret'), 'secret', { mode: 0o600 });
  const file = ['--token-file', join(state.path, 'secret')];
  expect(await command('enrol', '--url', peer.url, ...file)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('EACCES'),
  });
});
