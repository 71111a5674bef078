import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PLATFORMS, RELEASE_FILE, type Release, type ReleaseFile } from '../../protocol/release.ts';
import { HOMEPORT_VERSION, PROTOCOL } from '../../protocol/version.ts';

/** A release in the form of a built one, of files that hold a line of text: for what serves them, not what runs them. */
export async function writeSmallRelease(directory: string, change: Partial<Release> = {}): Promise<Release> {
  await mkdir(directory, { recursive: true });
  const files: ReleaseFile[] = [];
  for (const platform of PLATFORMS) {
    const name = `homeport-agent-${platform}`;
    const plain = Buffer.from(`#!/bin/sh\necho ${platform}\n`);
    const packed = gzipSync(plain);
    await writeFile(join(directory, name), plain);
    await writeFile(join(directory, `${name}.gz`), packed);
    files.push({ platform, ...described(name, plain), packed: described(`${name}.gz`, packed) });
  }
  const sources = '0'.repeat(64);
  const release: Release = {
    v: 1,
    version: HOMEPORT_VERSION,
    protocol: PROTOCOL,
    node: '26.0.0',
    sources,
    files,
    ...change,
  };
  await writeFile(join(directory, RELEASE_FILE), JSON.stringify(release));
  return release;
}

function described(name: string, bytes: Buffer) {
  return { name, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
