import { appendFile, chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { signRelease, writeReleaseKey } from '../../../agent/build/signing.ts';
import { RELEASE_FILE, RELEASE_SIGNATURE_FILE } from '../../../protocol/release.ts';
import { ROOT } from '../../support/child.ts';
import { output } from '../../support/command.ts';
import { writeSmallRelease } from '../../support/small-release.ts';

let directory: string;
let release: string;
let keyFile: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'homeport-signing-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  release = join(directory, 'release');
  keyFile = join(directory, 'release.key');
  await writeSmallRelease(release);
});

/** As the scripts of package.json start it. */
const build = (script: string, ...args: string[]) =>
  output([process.execPath, join(ROOT, 'agent/build', script), ...args]);
const sign = () => build('sign.ts', '--key', keyFile, '--output', release);

test('a key is made for its owner alone, and signs a built release', async () => {
  const made = await build('make-key.ts', keyFile);
  const key = /^Release key: ([\w-]{43})$/m.exec(made.output)?.[1];
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  const signed = await sign();
  expect(signed).toEqual({ code: 0, output: expect.stringContaining(`Release key: ${key}`) });
  const signature = JSON.parse(await readFile(join(release, RELEASE_SIGNATURE_FILE), 'utf8'));
  expect(signature).toEqual({ v: 1, key, signature: expect.stringMatching(/^[\w-]{86}$/) });
});

test('a key that is there already is not written over', async () => {
  await writeReleaseKey(keyFile);
  const before = await readFile(keyFile, 'utf8');
  expect((await build('make-key.ts', keyFile)).code).toBe(1);
  expect(await readFile(keyFile, 'utf8')).toBe(before);
});

test.for([
  [
    'a file that was changed since it was built',
    () => appendFile(join(release, 'homeport-agent-node.gz'), 'x'),
    'homeport-agent-node.gz is not the file that was built',
  ],
  ['nothing built', () => rm(join(release, RELEASE_FILE)), 'npm run build'],
  ['a key that others can read', () => chmod(keyFile, 0o640), 'chmod 600'],
  ['no key', () => writeFile(keyFile, 'hello'), 'holds no Ed25519 key'],
] as const)('%s: nothing is signed', async ([, spoil, words]) => {
  await writeReleaseKey(keyFile);
  await spoil();
  await expect(signRelease(release, keyFile)).rejects.toThrow(words);
  await expect(stat(join(release, RELEASE_SIGNATURE_FILE))).rejects.toThrow();
});
