import { chmod, chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../../agent/config.ts';
import { updatesFinding } from '../../../agent/doctor/updates.ts';
import { toFailure } from '../../../protocol/failure.ts';
import { ed25519Raw, generateEd25519 } from '../../../protocol/keys.ts';
import { temporaryState } from '../../support/agent-at-peer.ts';

const asRoot = process.getuid?.() === 0 ? test : test.skip;
const KEY = ed25519Raw(generateEd25519().key);
let directory: string;

beforeEach(async () => {
  const made = await temporaryState();
  onTestFinished(() => made[Symbol.asyncDispose]());
  directory = made.path;
});

async function finding(update: 'allow' | 'deny', key?: string) {
  const config = join(directory, 'agent.toml');
  await writeFile(config, `[policy]\nupdate = "${update}"\n`);
  if (key !== undefined) await writeFile(join(directory, 'release-key'), key);
  return updatesFinding(await loadConfig({ state: '/nowhere', config }));
}

test('without a pinned key there are no updates', async () => {
  const seen = expect.stringMatching(/^Policy: allow\. .* No release key is pinned/);
  expect(await finding('allow')).toEqual({ verdict: 'ok', seen });
});

asRoot('policy and pinned key are told', async () => {
  const found = await finding('deny', `${KEY}\n`);
  expect(found).toMatchObject({ verdict: 'ok', seen: expect.stringMatching(/^Policy: deny\./) });
  expect(found.seen).toContain(KEY);
});

asRoot('a key that others than root may change', async () => {
  await finding('allow', KEY);
  const file = join(directory, 'release-key');
  await chmod(file, 0o666);
  const paste = `chown root: ${file} && chmod 644 ${file}`;
  expect(await finding('allow')).toMatchObject({ verdict: 'warning', paste });
  await chmod(file, 0o644);
  await chown(file, 1234, 1234);
  expect(await finding('allow')).toMatchObject({ verdict: 'warning', paste });
});

test('a file that holds no key', async () => {
  const failure = toFailure(await finding('allow', 'no key').catch((error: unknown) => error));
  expect(failure).toMatchObject({ code: 'invalid_input', hint: expect.stringContaining('install.sh') });
});
