import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askVersion } from '../../../agent/engines/ask-version.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'homeport-version-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** A program that prints its version and how often it was run. */
async function program(version: string, exitCode = 0): Promise<string> {
  const path = join(directory, `tool-${exitCode}`);
  const count = join(directory, 'count');
  await writeFile(
    path,
    `#!/bin/sh\necho . >> ${count}\necho "${version}" $(wc -l < ${count})\nexit ${exitCode}\n`,
  );
  await chmod(path, 0o755);
  return path;
}

const never = () => new AbortController().signal;

test('a program is asked once, and again when it was upgraded', async () => {
  const path = await program('1.0');
  expect(await askVersion(path, [], never())).toBe('1.0 1\n');
  expect(await askVersion(path, [], never())).toBe('1.0 1\n');
  await program('1.1 or so');
  expect(await askVersion(path, [], never())).toBe('1.1 or so 2\n');
});

test('one that fails is asked each time, and one that is gone says nothing', async () => {
  const path = await program('broken', 1);
  expect(await askVersion(path, [], never())).toBe('broken 3\n');
  expect(await askVersion(path, [], never())).toBe('broken 4\n');
  expect(await askVersion(join(directory, 'none'), [], never())).toBe('');
});
