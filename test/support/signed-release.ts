import { mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signRelease, writeReleaseKey } from '../../agent/build/signing.ts';
import { RELEASE_FILE, RELEASE_SIGNATURE_FILE, type Release } from '../../protocol/release.ts';
import { newerRelease } from './newer-release.ts';
import type { BuiltRelease } from './release.ts';

/** Whoever builds and signs releases: with the right key, or as somebody who has none. */
export interface ReleaseMaker {
  /** The release key. */
  readonly key: string;
  /** A build that really is of that version, signed. Made once, unless it is edited. @returns its folder */
  build(version: string, edit?: (text: string) => string): Promise<string>;
  /** The same files as in another folder, described as `change` wants, signed with the right key or a foreign one. */
  variant(directory: string, wish: { foreign?: true; change?: Partial<Release> }): Promise<string>;
}

/** @param directory where keys and builds go */
export async function releaseMaker(built: BuiltRelease, directory: string): Promise<ReleaseMaker> {
  const own = join(directory, 'release.key');
  const foreign = join(directory, 'foreign.key');
  const key = await writeReleaseKey(own);
  await writeReleaseKey(foreign);
  const made = new Map<string, string>();
  return {
    key,
    async build(version, edit) {
      const known = edit ? undefined : made.get(version);
      if (known !== undefined) return known;
      const folder = await mkdtemp(join(directory, `${version}-`));
      await newerRelease(built, { directory: folder, version, ...(edit ? { edit } : {}) });
      await signRelease(folder, own);
      if (!edit) made.set(version, folder);
      return folder;
    },
    async variant(from, { change, foreign: byStranger }) {
      const folder = await mkdtemp(join(directory, 'variant-'));
      for (const name of await readdir(from))
        if (name !== RELEASE_FILE && name !== RELEASE_SIGNATURE_FILE)
          await symlink(join(from, name), join(folder, name));
      const release = JSON.parse(await readFile(join(from, RELEASE_FILE), 'utf8')) as Release;
      await writeFile(join(folder, RELEASE_FILE), JSON.stringify({ ...release, ...change }));
      await signRelease(folder, byStranger ? foreign : own);
      return folder;
    },
  };
}

const atStart = (line: string) => (text: string) => text.replace(/^#!.*$/m, () => line);

/** Builds that are signed and do not work: what they do, how their module is changed, and what an update to them ends with. */
export const BROKEN = [
  ['ends at once', atStart("if (process.argv.includes('run')) process.exit(3);"), 'update_rolled_back'],
  [
    'hangs',
    atStart("if (process.argv.includes('run')) for (;;) await new Promise((done) => setTimeout(done, 1e6));"),
    'update_rolled_back',
  ],
  [
    'has no protocol in common with the control plane',
    (text: string) => text.replace(/(PROTOCOL = \{\s*min: )1(,\s*max: )1/, '$19$29'),
    'update_rolled_back',
  ],
  ['does not even start', atStart('process.exit(3);'), 'update_not_possible'],
] as const;
