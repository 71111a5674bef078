import { chmod, chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { AgentConfig } from '../../../agent/config.ts';
import { loadConfig } from '../../../agent/config.ts';
import { configurationFinding } from '../../../agent/doctor/configuration.ts';
import { runningFinding, stateFinding, temporaryFinding } from '../../../agent/doctor/state.ts';
import { ensureIdentity } from '../../../agent/identity.ts';
import { lockState } from '../../../agent/state/lock.ts';
import { temporaryState } from '../../support/agent-at-peer.ts';
import { mountTmpfs } from '../../support/tmpfs.ts';

const asRoot = process.getuid?.() === 0 ? test : test.skip;

async function state(): Promise<string> {
  const made = await temporaryState();
  onTestFinished(() => made[Symbol.asyncDispose]());
  return made.path;
}

async function configured(text: string, mode: number): Promise<AgentConfig> {
  const config = join(await state(), 'agent.toml');
  await writeFile(config, text);
  await chmod(config, mode);
  return loadConfig({ state: '/nowhere', config });
}

test('a state directory as enrolment makes it', async () => {
  const path = await state();
  await ensureIdentity(path);
  expect(await stateFinding(path)).toMatchObject({ verdict: 'ok', seen: expect.stringContaining(path) });
});

test('one that is not there', async () => {
  expect(await stateFinding('/nowhere/homeport')).toMatchObject({ verdict: 'failed' });
});

test('one that others may look into, with the command that closes it', async () => {
  const path = await state();
  await ensureIdentity(path);
  await chmod(path, 0o755);
  expect(await stateFinding(path)).toMatchObject({ verdict: 'warning', paste: `chmod -R go= ${path}` });
  await chmod(path, 0o700);
  await chmod(join(path, 'identity.json'), 0o640);
  const finding = await stateFinding(path);
  expect(finding).toMatchObject({ verdict: 'failed', seen: expect.stringContaining('identity.json') });
});

asRoot('one of another user, looked at by root', async () => {
  const path = await state();
  await chown(path, 1234, 1234);
  const finding = await stateFinding(path);
  expect(finding).toMatchObject({ verdict: 'warning', seen: expect.stringContaining('1234') });
  expect(finding.paste).toContain('setpriv --reuid 1234');
});

asRoot('one whose disk is nearly full', async () => {
  const path = join(await state(), 'small');
  await using _small = await mountTmpfs(path, 8);
  await chmod(path, 0o700);
  expect(await stateFinding(path)).toMatchObject({
    verdict: 'failed',
    seen: expect.stringContaining('are free'),
  });
});

test('whether an agent runs is told by its lock', async () => {
  const path = await state();
  expect(await runningFinding(path)).toMatchObject({ verdict: 'warning', paste: 'homeport-agent run' });
  const unlock = await lockState(path);
  expect(await runningFinding(path)).toEqual({ verdict: 'ok', seen: `Process ${process.pid} is at work.` });
  await unlock();
  await writeFile(join(path, 'run.lock'), '999999 1');
  expect(await runningFinding(path)).toMatchObject({ verdict: 'warning' });
});

test('a place for temporary files', async () => {
  expect(await temporaryFinding()).toMatchObject({ verdict: 'ok', seen: expect.stringMatching(/MiB free/) });
});

test('the configuration says what the policy is', async () => {
  const config = await configured('[policy]\nrestore = "deny"\ndatabases = ["main/*"]', 0o644);
  const finding = await configurationFinding(config, undefined);
  expect(finding).toMatchObject({ verdict: 'ok', seen: expect.stringMatching(/Restores: deny.*main\/\*/) });
});

test('a configuration that others may change, or whose password they may read', async () => {
  const writable = await configured('', 0o666);
  expect(await configurationFinding(writable, undefined)).toMatchObject({
    verdict: 'warning',
    paste: `chmod go-w ${writable.configFile}`,
  });
  const open = await configured('proxy = "http://me:hush@proxy:3128"', 0o644);
  const finding = await configurationFinding(open, undefined);
  expect(finding).toMatchObject({ verdict: 'warning', paste: `chmod 600 ${open.configFile}` });
  expect(JSON.stringify(finding)).not.toContain('hush');
  const closed = await configured('proxy = "http://me:hush@proxy:3128"', 0o600);
  expect(await configurationFinding(closed, undefined)).toMatchObject({ verdict: 'ok' });
});
