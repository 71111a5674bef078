import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import {
  type Platform,
  RELEASE_FILE,
  type Release,
  type ReleaseFile,
  releaseSchema,
} from '../../protocol/release.ts';
import { HOMEPORT_VERSION, PROTOCOL } from '../../protocol/version.ts';
import { bundleAgent } from './bundle.ts';
import { makeExecutable } from './executable.ts';
import { measured } from './measure.ts';
import { fetchRuntime, NODE_VERSION, RUNTIME_PLATFORMS } from './runtimes.ts';
import { hashSources } from './sources.ts';

export interface BuildOptions {
  /** The checkout. */
  root: string;
  /** Folder to fill, e.g. `dist/agent`; replaced whole. */
  output: string;
  /** Where fetched runtimes are kept. */
  cache: string;
}

/** Builds the agent for all platforms, unless `output` holds what these sources would give. */
export async function buildRelease(options: BuildOptions): Promise<{ release: Release; built: boolean }> {
  const sources = await hashSources(options.root);
  const present = await presentRelease(options.output);
  if (present?.sources === sources) return { release: present, built: false };
  await mkdir(dirname(options.output), { recursive: true });
  const fresh = await mkdtemp(`${options.output}.`);
  try {
    const release = await fill(fresh, options, sources);
    await chmod(fresh, 0o755);
    await rm(options.output, { recursive: true, force: true });
    await rename(fresh, options.output);
    return { release, built: true };
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

async function fill(directory: string, { cache, root }: BuildOptions, sources: string): Promise<Release> {
  const bundle = join(directory, 'agent.mjs');
  await writeFile(bundle, await bundleAgent(root));
  await chmod(bundle, 0o755);
  const executables = RUNTIME_PLATFORMS.map(async (platform) => {
    const runtime = await fetchRuntime(platform, cache);
    const name = `homeport-agent-${platform}`;
    const path = await makeExecutable({ bundle, runtime, name });
    await rm(`${path}.json`);
    return described(platform, path);
  });
  const files = await Promise.all([...executables, described('node', bundle)]);
  const release: Release = {
    v: 1,
    version: HOMEPORT_VERSION,
    protocol: PROTOCOL,
    node: NODE_VERSION,
    sources,
    files,
  };
  await writeFile(join(directory, RELEASE_FILE), `${JSON.stringify(release, null, 2)}\n`);
  return release;
}

/**
 * Compresses a file beside itself and measures both. By gzip, although xz would make it a third smaller: every host
 * can unpack it, a minimal one as well. (A higher level takes three times as long for one part in a hundred.)
 */
async function described(platform: Platform, path: string): Promise<ReleaseFile> {
  await pipeline(createReadStream(path), createGzip({ level: 6 }), createWriteStream(`${path}.gz`));
  return { platform, ...(await measured(path)), packed: await measured(`${path}.gz`) };
}

/** The release in a folder, if it is whole. */
async function presentRelease(directory: string): Promise<Release | undefined> {
  try {
    const release = releaseSchema.parse(JSON.parse(await readFile(join(directory, RELEASE_FILE), 'utf8')));
    const files = release.files.flatMap((file) => [file, file.packed]);
    const sizes = await Promise.all(files.map(({ name }) => stat(join(directory, name))));
    return files.every(({ size }, index) => sizes[index]?.size === size) ? release : undefined;
  } catch {
    return undefined; // not there, or not ours: it is made anew
  }
}
