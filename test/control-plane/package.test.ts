import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BUILD_FILE, describeBuild, isPacked, pack } from '../../control-plane/build/pack.ts';
import { runtimePackages } from '../../control-plane/build/packages.ts';
import { sources } from '../house/sources.ts';
import { ROOT } from '../support/child.ts';
import { output } from '../support/command.ts';
import { builtPackage } from '../support/package.ts';
import { writeSmallRelease } from '../support/small-release.ts';

/** `better-sqlite3` of `better-sqlite3/lib`, `@hono/node-server` of `@hono/node-server/x`. */
const packageOf = (module: string) => /^(@[^/]+\/)?[^/]+/.exec(module)?.[0] ?? '';

test('every package that the control plane imports is among those it is packed with, none that only builds or tests is', async () => {
  const packages = await runtimePackages(ROOT);
  const imported = sources('control-plane', 'protocol')
    .flatMap(({ imports }) => imports)
    .filter(({ module, ours, typeOnly }) => !ours && !typeOnly && !module.startsWith('node:'))
    .map(({ module }) => `node_modules/${packageOf(module)}`);
  expect(imported.length).toBeGreaterThan(20);
  expect([...new Set(imported)].filter((path) => !packages.includes(path))).toEqual([]);
  for (const path of packages) expect(existsSync(join(ROOT, path)), path).toBe(true);
  for (const name of ['vite', 'vitest', 'typescript', 'react', 'playwright-core'])
    expect(packages).not.toContain(`node_modules/${name}`);
});

test('a package runs by itself, with its own Node', async () => {
  const directory = await builtPackage();
  const command = ['env', '-i', 'PATH=/usr/bin:/bin', join(directory, 'control-plane/homeport')];
  expect(await output([...command, '--version'])).toEqual({ code: 0, output: '0.1.0\n' });
  const build = JSON.parse(await readFile(join(directory, BUILD_FILE), 'utf8'));
  expect(build).toMatchObject({ v: 1, version: '0.1.0', platform: 'linux-x64' });
  for (const absent of ['test', 'agent', 'control-plane/build', 'node_modules/vite', 'web/index.html'])
    expect(existsSync(join(directory, absent)), absent).toBe(false);
  for (const present of ['install.sh', 'deploy/control-plane.sh', 'web/dist/index.html', 'LICENSE'])
    expect(existsSync(join(directory, present)), present).toBe(true);
});

/** A checkout of files that hold their own names. */
async function smallCheckout(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'homeport-package-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const files = [
    'control-plane/main.ts',
    'protocol/a.ts',
    'web/dist/index.html',
    'web/index.html',
    ...['deploy/homeport', 'deploy/Caddyfile', 'deploy/control-plane.sh'],
    // Settings of a compose file: nobody else's business.
    'deploy/.env',
  ];
  const packages = ['used/index.js', 'used/index.d.ts', 'used/index.js.map', 'used/node_modules/inner/i.js'];
  const more = ['inner/other.js', 'tool/index.js', 'used/node_modules/old/i.js', 'node/bin/node'];
  const modules = [...packages, ...more].map((path) => `node_modules/${path}`);
  for (const path of [...files, ...modules, 'install.sh', 'package.json', 'LICENSE']) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), path);
  }
  const lockfile = {
    packages: {
      '': { dependencies: { used: '1' }, devDependencies: { tool: '1' } },
      'node_modules/used': { dependencies: { inner: '1' }, peerDependencies: { gone: '1' } },
      'node_modules/used/node_modules/inner': {},
      'node_modules/inner': {},
      'node_modules/tool': {},
    },
  };
  await writeFile(join(root, 'package-lock.json'), JSON.stringify(lockfile));
  return root;
}

test('holds what a host needs, the agent as hosts download it among it, and is made anew where something differs', async () => {
  const root = await smallCheckout();
  const [agent, output] = [join(root, 'dist/agent'), join(root, 'dist/control-plane')];
  const release = await writeSmallRelease(agent);
  expect(await pack({ root, agent, output })).toBe(true);
  const entries = await readdir(output, { recursive: true, withFileTypes: true });
  const made = entries
    .filter((entry) => !entry.isDirectory())
    .map(({ name, parentPath }) => relative(output, join(parentPath, name)));
  expect(made.toSorted()).toEqual(
    [
      ...['LICENSE', 'build.json', 'install.sh', 'package.json', 'web/dist/index.html'],
      ...['deploy/homeport', 'deploy/Caddyfile', 'deploy/control-plane.sh'],
      ...['control-plane/main.ts', 'protocol/a.ts', 'node_modules/.bin/node', 'node_modules/node/bin/node'],
      ...[
        'node_modules/used/index.js',
        'node_modules/used/node_modules/inner/i.js',
        'dist/agent/release.json',
      ],
      ...release.files.map(({ packed }) => `dist/agent/${packed.name}`),
    ].toSorted(),
  );
  expect(await readlink(join(output, 'node_modules/.bin/node'))).toBe('../node/bin/node');
  expect(await pack({ root, agent, output })).toBe(false);
  const changes = ['control-plane/main.ts', 'package-lock.json', 'dist/agent/release.json'];
  for (const path of changes) {
    await appendFile(join(root, path), ' ');
    expect(await isPacked(output, await describeBuild({ root, agent })), path).toBe(false);
    expect(await pack({ root, agent, output })).toBe(true);
  }
});
