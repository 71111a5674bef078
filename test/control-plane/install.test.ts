import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signRelease, writeReleaseKey } from '../../agent/build/signing.ts';
import { createAgentRelease } from '../../control-plane/agents/release.ts';
import { createLogger } from '../../control-plane/log.ts';
import { RELEASE_FILE, RELEASE_SIGNATURE_FILE, type Release } from '../../protocol/release.ts';
import { shellQuoted } from '../../protocol/shell.ts';
import { read } from '../house/sources.ts';
import { output } from '../support/command.ts';
import { writeSmallRelease } from '../support/small-release.ts';
import { startWorld, type World } from './world.ts';

const run = promisify(execFile);
const URL_WITH_QUOTES = "https://backups.example.org/it's";

let directory: string;
let world: World;
let release: Release;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'homeport-release-'));
  release = await writeSmallRelease(directory);
  world = await startWorld({ HOMEPORT_RELEASE: directory, HOMEPORT_URL: URL_WITH_QUOTES });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const get = (path: string, init?: RequestInit) => fetch(new URL(path, world.api.url), init);
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const newToken = () =>
  world.api.post<{ command: string; token: string; via: string }>('/enrolment-tokens', {});

describe('install.sh', () => {
  test('is served to anybody, with address, version and checksums filled in', async () => {
    const response = await get('/install.sh');
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('public, no-cache');
    const text = await response.text();
    const [head = '', rest] = text.split('\nACCOUNT=');
    const told = await run('sh', ['-c', `${head}\nprintf '%s\\n' "$CONTROL_PLANE" "$VERSION" "$FILES"`]);
    const lines = release.files.map(({ packed, platform, sha256 }) =>
      [platform, packed.name, packed.sha256, sha256].join(' '),
    );
    expect(told.stdout).toBe(`${[URL_WITH_QUOTES, release.version, ...lines].join('\n')}\n`);
    expect(rest).toBe(read('install.sh').split('\nACCOUNT=')[1]);
  });

  test('is asked for again only when it has changed', async () => {
    const etag = (await get('/install.sh')).headers.get('etag') ?? '';
    const again = await get('/install.sh', { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  test('is what the command that the UI shows has the SHA-256 of', async () => {
    const { command, token, via } = await newToken();
    expect(via).toBe('install');
    const text = await (await get('/install.sh')).text();
    expect(command).toContain(sha256(text));
    expect(command).toContain(shellQuoted(`${URL_WITH_QUOTES}/install.sh`));
    // On standard input, not among the arguments of a process.
    expect(command.endsWith(`<<'TOKEN'\n${token}\nTOKEN`)).toBe(true);
    expect(command.split('<<')[0]).not.toContain(token);
  });

  test('satisfies shellcheck, as in the checkout and filled in', async () => {
    const served = join(directory, 'served.sh');
    await writeFile(served, await (await get('/install.sh')).text());
    const ours = ['install.sh', 'deploy/control-plane.sh', 'deploy/homeport', 'agent/homeport-agent'];
    for (const file of [...ours, served, 'control-plane/homeport', '.ci/run'])
      expect(await output(['shellcheck', '--shell=sh', file])).toEqual({ output: '', code: 0 });
  });

  test('as served installs agents only', async () => {
    const served = join(directory, 'served.sh');
    await writeFile(served, await (await get('/install.sh')).text());
    const answer = await output(['sh', served, 'control-plane', '--url', 'https://a.example']);
    expect(answer).toMatchObject({ code: 1, output: expect.stringContaining('installs agents only') });
  });

  test('straight from the checkout says where to get it from', async () => {
    const answer = await output(['sh', 'install.sh', '--dry-run']);
    expect(answer).toMatchObject({
      code: 1,
      output: expect.stringContaining('Take it from your control plane'),
    });
  });
});

describe('files of the agent', () => {
  test('come whole, plain and packed, and are cached by their SHA-256', async () => {
    for (const file of release.files.flatMap((one) => [one, one.packed])) {
      const response = await get(`/agent/${file.name}`);
      expect(response.headers.get('content-length')).toBe(String(file.size));
      expect(sha256(new Uint8Array(await response.arrayBuffer()))).toBe(file.sha256);
      const headers = { 'if-none-match': response.headers.get('etag') ?? '' };
      expect((await get(`/agent/${file.name}`, { headers })).status).toBe(304);
      const head = await get(`/agent/${file.name}`, { method: 'HEAD' });
      expect([head.status, head.headers.get('content-length')]).toEqual([200, String(file.size)]);
    }
  });

  test.for([
    'release.json',
    'install.sh',
    '..%2f..%2fpackage.json',
    '%2fetc%2fpasswd',
    'v1',
    'homeport-agent-linux-x64.gz%00',
  ])('nothing else does: %s', async (name) => {
    const response = await get(`/agent/${name}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 'not_found' } });
  });
});

describe('a release key', () => {
  const pinned = async () => /^RELEASE_KEY='(.*)'$/m.exec(await (await get('/install.sh')).text())?.[1];

  test('that of a signed release is in the script, and with it in the SHA-256 of the command', async () => {
    expect(await pinned()).toBe('');
    const keyFile = join(directory, 'test.key');
    const before = (await newToken()).command;
    const key = await writeReleaseKey(keyFile);
    await signRelease(directory, keyFile);
    expect(await pinned()).toBe(key);
    const { command } = await newToken();
    expect(command).toContain(sha256(await (await get('/install.sh')).text()));
    expect(command.split('\n')[1]).not.toBe(before.split('\n')[1]);
  });

  test('what was signed is not signed any more once it is changed', async () => {
    const { scriptFile, root } = { scriptFile: 'install.sh', root: directory };
    const agents = createAgentRelease({ root, scriptFile, url: 'x', log: createLogger('silent') });
    expect(await agents.signed()).toMatchObject({ release: { version: release.version } });
    await appendFile(join(directory, RELEASE_FILE), '\n');
    expect([await agents.signed(), await pinned()]).toEqual([undefined, '']);
    await rm(join(directory, RELEASE_SIGNATURE_FILE));
  });
});

describe('without a built agent', () => {
  test.for([
    ['nothing', undefined],
    ['a manifest that is damaged', '{"v":1,'],
    ['a manifest that names a path', JSON.stringify({ v: 1, files: [{ name: '../x' }] })],
  ] as const)('%s: the command is for a checkout, and a host is told what to do', async ([, manifest]) => {
    const root = await mkdtemp(join(tmpdir(), 'homeport-release-'));
    if (manifest !== undefined) await writeFile(join(root, RELEASE_FILE), manifest);
    await using bare = await startWorld({ HOMEPORT_RELEASE: root });
    const { command, via } = await bare.api.post<{ command: string; via: string }>('/enrolment-tokens', {});
    expect(via).toBe('checkout');
    expect(command).toMatch(/^agent\/homeport-agent enrol --url 'http:\/\/127\.0\.0\.1:\d+' <<'TOKEN'\n/);
    for (const path of ['/install.sh', '/agent/homeport-agent-linux-x64.gz']) {
      const response = await fetch(new URL(path, bare.api.url));
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({
        error: { hint: expect.stringContaining('npm run build') },
      });
    }
    await rm(root, { recursive: true, force: true });
  });

  test('one that is built later is there without a restart', async () => {
    const root = await mkdtemp(join(tmpdir(), 'homeport-release-'));
    await using bare = await startWorld({ HOMEPORT_RELEASE: root });
    expect((await fetch(new URL('/install.sh', bare.api.url))).status).toBe(404);
    await writeSmallRelease(root);
    expect((await fetch(new URL('/install.sh', bare.api.url))).status).toBe(200);
    await rm(root, { recursive: true, force: true });
  });
});
