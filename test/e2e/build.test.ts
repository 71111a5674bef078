import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { NODE_FLAGS } from '../../agent/build/flags.ts';
import { type Platform, RELEASE_SIGNATURE_FILE } from '../../protocol/release.ts';
import type { AgentOptions } from '../support/agent.ts';
import { checksums } from '../support/checksums.ts';
import { ROOT } from '../support/child.ts';
import { addServer, backUp, protect, restore } from '../support/protect.ts';
import { type BuiltRelease, builtRelease, openRelease } from '../support/release.ts';
import { createShop } from '../support/shop.ts';
import { documented } from '../vault-format/documents.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

const run = promisify(execFile);
const homeport = sharedHomeport();
const postgres = sharedPostgres();
let built: BuiltRelease;

beforeAll(async () => {
  await createShop(postgres(), 'shop', 5_000);
  built = await builtRelease();
}, 240_000);

/** Nothing of this checkout, and no Node, can be found by the agent. */
const FOREIGN = { PATH: '/usr/bin:/bin', NODE_COMPILE_CACHE: '', NODE_OPTIONS: '' };

async function backUpAndRestore(name: string, options: Partial<AgentOptions>) {
  const { api } = homeport();
  const agent = await homeport().agent(name, { env: FOREIGN, ...options });
  const server = await addServer(api, agent, { name, server: postgres() });
  const database = await protect(api, server.id, 'shop');
  const { snapshot } = await backUp(api, database.id);
  await restore(api, snapshot.id, { serverId: server.id, plan: { targetDatabase: `${name} back` } });
  expect(await checksums(postgres(), `${name} back`)).toEqual(await checksums(postgres(), 'shop'));
  return agent;
}

describe('the agent as one file', () => {
  test('the executable enrols, backs up and restores', async () => {
    const agent = await backUpAndRestore('executable', { program: [built.file('linux-x64')] });
    expect((await agent.online()).inventory).toMatchObject({ nodeVersion: `v${built.release.node}` });
    expect(await agent.cli(['status'])).toMatch(/^State: +connected since /);
    const command = await readFile(`/proc/${agent.process().pid}/cmdline`, 'utf8');
    expect(command.split('\0')[0]).toBe(built.file('linux-x64'));
    await agent.stop();
  });

  test('agent.mjs does the same on a host’s own Node', async () => {
    const program = [process.execPath, ...NODE_FLAGS, built.file('node')];
    await (await backUpAndRestore('portable', { program })).stop();
    expect((await readFile(built.file('node'), 'utf8')).split('\n')[0]).toBe(
      `#!/usr/bin/env -S node ${NODE_FLAGS.join(' ')}`,
    );
  });

  test('the one for arm64 starts and enrols', async () => {
    const program = ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu', built.file('linux-arm64')];
    const agent = await homeport().agent('arm', { program, env: FOREIGN });
    expect((await agent.online()).inventory).toMatchObject({ arch: 'arm64' });
    await agent.kill();
  });

  test('nothing in it loads a native add-on', async () => {
    const text = await readFile(built.file('node'), 'utf8');
    expect(text).not.toMatch(/dlopen|\.node['"`]|bindings\(['"`]/);
  });

  test('what is wrong is said as in the checkout', async () => {
    const answer = run(built.file('linux-x64'), ['--state', '/nonexistent', 'run'], { env: FOREIGN });
    await expect(answer).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('Add agent') });
  });
});

/** What nobody thinks of as part of a build, and build tools look at. */
const ELSEWHERE = { NODE_ENV: 'development', TZ: 'Asia/Tokyo', LC_ALL: 'C' };

test('a build elsewhere is the same, byte for byte', { timeout: 240_000 }, async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'homeport-elsewhere-'));
  try {
    const setup = 'test/support/setup.mjs';
    for (const part of ['agent', 'protocol', setup, 'package.json', 'package-lock.json', 'tsconfig.json'])
      await cp(join(ROOT, part), join(elsewhere, part), { recursive: true });
    // As links where the file system allows it: the packages are large.
    await run('cp', ['-a', '--link', join(ROOT, 'node_modules'), elsewhere]).catch(() =>
      run('cp', ['-a', join(ROOT, 'node_modules'), elsewhere]),
    );
    const follow = (script: string) =>
      run('sh', ['-ec', script], { cwd: elsewhere, env: { ...process.env, ...ELSEWHERE, HOME: elsewhere } });
    await follow(documented('docs/installing.md', "Build it once, on the control plane's host"));
    const again = await openRelease(join(elsewhere, 'dist/agent'));
    // The manifest holds the SHA-256 of every file.
    expect(again.release).toEqual(built.release);
    for (const platform of ['linux-x64', 'node'] satisfies Platform[])
      expect((await readFile(again.file(platform))).equals(await readFile(built.file(platform)))).toBe(true);
    const made = await follow(documented('docs/updates.md', 'The release key'));
    const [key] = /^Release key: [\w-]{43}$/m.exec(made.stdout) ?? [];
    const signed = await follow(documented('docs/updates.md', 'Sign a build'));
    expect(signed.stdout).toContain(key);
    const signature = await readFile(join(again.directory, RELEASE_SIGNATURE_FILE), 'utf8');
    expect(key).toBe(`Release key: ${JSON.parse(signature).key}`);
  } finally {
    await rm(elsewhere, { recursive: true, force: true });
  }
});
