import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lockDataDirectory } from '../../control-plane/lock.ts';

const failing = (failure: object) => expect.objectContaining({ failure: expect.objectContaining(failure) });

test('a data directory has one process at a time, and the next one after it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'homeport-lock-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const unlock = lockDataDirectory(directory);
  expect(() => lockDataDirectory(directory)).toThrow(failing({ code: 'conflict' }));
  unlock();
  lockDataDirectory(directory)();
});

test('one that cannot be used is named, with the user and the remedy', () => {
  const message = expect.stringMatching(/^The data directory \/dev\/null\/data cannot be used by user \d+: /);
  const hint = expect.stringMatching(/chown -R \d+.*mounted there/);
  expect(() => lockDataDirectory('/dev/null/data')).toThrow(
    failing({ code: 'invalid_input', message, hint }),
  );
});
