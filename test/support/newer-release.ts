import { createHash } from 'node:crypto';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { makeExecutable } from '../../agent/build/executable.ts';
import { fetchRuntime } from '../../agent/build/runtimes.ts';
import { RELEASE_FILE, type Release } from '../../protocol/release.ts';
import { HOMEPORT_VERSION } from '../../protocol/version.ts';
import { ROOT } from './child.ts';
import type { BuiltRelease } from './release.ts';

/**
 * A release of another version in `directory`: the executable for this kind of machine really is built with that
 * version; `edit` may change its module's text further. The other platforms' files are the former ones.
 */
export async function newerRelease(
  built: BuiltRelease,
  input: { directory: string; version: string; edit?: (text: string) => string },
): Promise<void> {
  const { directory, version, edit = (text: string) => text } = input;
  await mkdir(directory, { recursive: true });
  const text = await readFile(built.file('node'), 'utf8');
  const renamed = text.replace(`HOMEPORT_VERSION = "${HOMEPORT_VERSION}"`, `HOMEPORT_VERSION = "${version}"`);
  if (renamed === text) throw new Error('The bundle does not name its version as this test expects.');
  const bundle = join(directory, 'bundle.mjs');
  await writeFile(bundle, edit(renamed));
  const runtime = await fetchRuntime('linux-x64', join(ROOT, 'node_modules/.cache/homeport'));
  const path = await makeExecutable({ bundle, runtime, name: 'homeport-agent-linux-x64' });
  const plain = await readFile(path);
  const packed = gzipSync(plain, { level: 1 });
  await writeFile(`${path}.gz`, packed);
  const files = built.release.files.map((file) =>
    file.platform === 'linux-x64'
      ? { ...file, ...described(basename(path), plain), packed: described(`${basename(path)}.gz`, packed) }
      : file,
  );
  for (const {
    name,
    packed: { name: packedName },
    platform,
  } of files)
    if (platform !== 'linux-x64')
      for (const one of [name, packedName]) await symlink(join(built.directory, one), join(directory, one));
  const release: Release = { ...built.release, version, files };
  await writeFile(join(directory, RELEASE_FILE), JSON.stringify(release));
}

function described(name: string, bytes: Buffer) {
  return { name, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
