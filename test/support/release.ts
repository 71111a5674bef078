import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Platform, RELEASE_FILE, type Release, releaseSchema } from '../../protocol/release.ts';
import { ROOT } from './child.ts';

const run = promisify(execFile);

/** The built agent of this checkout. */
export interface BuiltRelease {
  readonly directory: string;
  readonly release: Release;
  /** Path of what runs on a platform. */
  file(platform: Platform): string;
}

/** Builds the agent as `npm run build` does: once for the same sources, however many tests ask. */
export async function builtRelease(): Promise<BuiltRelease> {
  const cache = join(ROOT, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  await run('flock', [join(cache, 'build.lock'), process.execPath, join(ROOT, 'agent/build/main.ts')]);
  return openRelease(join(ROOT, 'dist/agent'));
}

export async function openRelease(directory: string): Promise<BuiltRelease> {
  const release = releaseSchema.parse(JSON.parse(await readFile(join(directory, RELEASE_FILE), 'utf8')));
  return {
    directory,
    release,
    file(platform) {
      const found = release.files.find((file) => file.platform === platform);
      if (!found) throw new Error(`The release has nothing for ${platform}.`);
      return join(directory, found.name);
    },
  };
}
