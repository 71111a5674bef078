import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../agent/config.ts';
import { temporaryState } from '../support/agent-at-peer.ts';

async function configured(text: string) {
  const state = await temporaryState();
  onTestFinished(() => state[Symbol.asyncDispose]());
  const config = join(state.path, 'agent.toml');
  await writeFile(config, text);
  return loadConfig({ state: state.path, config });
}

const refused = expect.objectContaining({ failure: expect.objectContaining({ code: 'invalid_input' }) });

test('needs no file', async () => {
  const config = await configured('');
  expect(config).toMatchObject({ maxJobs: 2, outageLimitMs: 600_000, controlPlaneKey: undefined });
  expect(config.policy).toEqual({ restore: 'allow', update: 'allow' });
});

test('takes every setting', async () => {
  const key = 'k'.repeat(43);
  const config = await configured(
    `max_jobs = 3\noutage_minutes = 1.5\n[policy]\nrestore = "scratch-only"\nupdate = "deny"\ndatabases = ["main/*"]\ncontrol_plane_key = "${key}"`,
  );
  expect(config).toMatchObject({ maxJobs: 3, outageLimitMs: 90_000, controlPlaneKey: key });
  expect(config.policy).toEqual({ restore: 'scratch-only', update: 'deny', databases: ['main/*'] });
});

test.for([
  '[policy]\nrestor = "deny"',
  'restore = "deny"',
  '[policy]\nrestore = "never"',
  'max_jobs = 0',
  'not toml',
])('does not start with a policy it does not understand: %s', async (text) => {
  await expect(configured(text)).rejects.toEqual(refused);
});

test('a file that was named must be there', async () => {
  await expect(loadConfig({ state: '/nowhere', config: '/nowhere/agent.toml' })).rejects.toEqual(refused);
});
