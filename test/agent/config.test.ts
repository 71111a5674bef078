import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../agent/config.ts';
import { temporaryState } from '../support/agent-at-peer.ts';
import { output } from '../support/command.ts';
import { documented } from '../vault-format/documents.ts';

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

test('the settings file that docs/installing.md writes beforehand names the proxy', async () => {
  const state = await temporaryState();
  onTestFinished(() => state[Symbol.asyncDispose]());
  const script = documented('docs/installing.md', 'Install', 2)
    .replaceAll('sudo ', '')
    .replaceAll('/etc/homeport', join(state.path, 'etc'));
  expect(await output(['sh', '-ec', script])).toMatchObject({ code: 0 });
  const config = await loadConfig({ state: state.path, config: join(state.path, 'etc/agent.toml') });
  expect(config.proxy).toMatchObject({ url: 'http://proxy.example.org:3128', fromFile: true });
});

test('a proxy in the file goes before the environment, and “” means none', async () => {
  vi.stubEnv('HTTPS_PROXY', 'http://upper:3128');
  vi.stubEnv('no_proxy', 'example.org');
  onTestFinished(() => void vi.unstubAllEnvs());
  expect((await configured('')).proxy).toEqual({
    url: 'http://upper:3128',
    except: 'example.org',
    source: 'HTTPS_PROXY',
    fromFile: false,
  });
  vi.stubEnv('https_proxy', 'http://lower:3128');
  expect((await configured('')).proxy).toMatchObject({ url: 'http://lower:3128', source: 'https_proxy' });
  const { proxy } = await configured('proxy = "http://file:3128"');
  expect(proxy).toMatchObject({ url: 'http://file:3128', except: '' });
  expect(proxy?.source).toMatch(/^“proxy” in .*agent\.toml$/);
  expect((await configured('proxy = ""')).proxy).toMatchObject({ url: '', except: '' });
});

test.for([
  'proxy = "http://me:hush@proxy:3128"\nmax_jobs = ',
  'proxy = "socks5://me:hush@proxy:1080"',
  'proxy = 5',
])('refuses %s without repeating a password', async (text) => {
  const error = await configured(text).catch((thrown) => thrown);
  expect(error).toEqual(refused);
  expect(error.failure.message).toContain('agent.toml');
  expect(JSON.stringify(error.failure)).not.toContain('hush');
});
