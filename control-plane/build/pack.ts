import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import { runtimePackages } from './packages.ts';

/** Name of the file that describes a package, in its top folder; `deploy/control-plane.sh` looks for it. */
export const BUILD_FILE = 'build.json';

/**
 * What is in the package as it is in the checkout; the rest are npm packages, Node and the built agent. Of `deploy` file by
 * file: settings of compose files, secrets perhaps, may lie there as well.
 */
const TAKEN = [
  ...['control-plane', 'protocol', 'web/dist', 'install.sh', 'package.json', 'LICENSE'],
  ...['deploy/Caddyfile', 'deploy/control-plane.sh', 'deploy/homeport'],
];
const NODE = 'node_modules/node/bin/node';

export interface PackOptions {
  /** Root of the checkout, which is set up: it has its npm packages, its Node and a built web UI. */
  root: string;
  /** Folder of the built agent that is packed with it; nothing where it is not there. */
  agent: string;
  /** Folder that the package is to be. */
  output: string;
}

/** A control plane in one folder, with all it needs on a host of the same kind but the C libraries. */
export interface Build {
  v: 1;
  version: string;
  /** Such as `linux-x64`: Node and one package are made for it. */
  platform: string;
  /** SHA-256 of everything it was made from. */
  sources: string;
}

/** @returns whether anything had to be done: a package of the same sources is left as it is */
export async function pack(options: PackOptions): Promise<boolean> {
  const { agent, output, root } = options;
  const build = await describeBuild(options);
  if (await isPacked(output, build)) return false;
  const partial = `${output}.partial`;
  await rm(partial, { recursive: true, force: true });
  for (const path of await content(root)) await copy(join(root, path), join(partial, path));
  await symlink('../node/bin/node', join(await folder(partial, 'node_modules/.bin'), 'node'));
  for (const name of await agentFiles(agent))
    await copy(join(agent, name), join(partial, 'dist/agent', name));
  await writeFile(join(partial, BUILD_FILE), `${JSON.stringify(build, null, 2)}\n`);
  await rm(output, { recursive: true, force: true });
  await rename(partial, output);
  return true;
}

/** Whether a folder is the package that {@link pack} would make now. */
export async function isPacked(output: string, build: Build): Promise<boolean> {
  const text = await readFile(join(output, BUILD_FILE), 'utf8').catch(() => ''); // not packed
  return text === `${JSON.stringify(build, null, 2)}\n`;
}

export async function describeBuild({ agent, root }: Pick<PackOptions, 'agent' | 'root'>): Promise<Build> {
  const hash = createHash('sha256');
  const add = async (base: string, path: string): Promise<void> => {
    const full = join(base, path);
    if (!isTaken(full)) return;
    if ((await stat(full)).isDirectory())
      for (const name of (await readdir(full)).sort()) await add(base, join(path, name));
    else
      hash
        .update(`${path}\0`)
        .update(await readFile(full))
        .update('\0');
  };
  for (const path of [...TAKEN, 'package-lock.json']) await add(root, path);
  // Its manifest has the SHA-256 of the big ones.
  for (const name of await agentFiles(agent)) if (name.endsWith('.json')) await add(agent, name);
  const platform = `${process.platform}-${process.arch}`;
  return { v: 1, version: HOMEPORT_VERSION, platform, sources: hash.digest('hex') };
}

async function content(root: string): Promise<string[]> {
  return [...TAKEN, NODE, ...(await runtimePackages(root))];
}

/** Hosts download what is compressed: the same uncompressed stays where it was built. */
async function agentFiles(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return [];
  const names = await readdir(directory);
  return names.filter((name) => !names.includes(`${name}.gz`)).sort();
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const filter = (path: string) => isTaken(path) && (path === from || !isLeftOut(path));
  await cp(from, to, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE, filter });
}

/** Of npm packages: those inside of others, which are copied by themselves, and what only compilers and debuggers read. */
function isLeftOut(path: string): boolean {
  return /\/node_modules$|\/node_modules\/.*\.(d\.[cm]?ts|map)$/.test(path);
}

/** What makes packages is in none. */
function isTaken(path: string): boolean {
  return path !== import.meta.dirname;
}

async function folder(...parts: [string, string]): Promise<string> {
  const path = join(...parts);
  await mkdir(path, { recursive: true });
  return path;
}
