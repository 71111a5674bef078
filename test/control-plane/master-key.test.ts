import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../control-plane/config.ts';
import { loadMasterKey } from '../../control-plane/keys/master.ts';

const KEY = Buffer.alloc(32, 7).toString('base64');
let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'homeport-master-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  file = join(directory, 'given.key');
});

const failing = (failure: object) => expect.objectContaining({ failure: expect.objectContaining(failure) });
const load = (env: Record<string, string>) => loadMasterKey(directory, readConfig(env));

test('a key from a file is the same as one from the environment, and none is kept beside the data', async () => {
  await writeFile(file, `${KEY}\n`);
  const sealed = (await load({ HOMEPORT_MASTER_KEY: KEY })).seal('label', 'text');
  expect((await load({ HOMEPORT_MASTER_KEY_FILE: file })).open('label', sealed)).toBe('text');
  expect(existsSync(join(directory, 'keys/master.key'))).toBe(false);
});

test('a file that is not there is named, and no other key is made', async () => {
  const message = expect.stringContaining(file);
  const refused = load({ HOMEPORT_MASTER_KEY_FILE: file });
  await expect(refused).rejects.toEqual(failing({ code: 'invalid_input', message }));
  expect(existsSync(join(directory, 'keys/master.key'))).toBe(false);
  await writeFile(file, 'too short');
  const short = expect.stringContaining(`${file} is not 32 bytes`);
  await expect(load({ HOMEPORT_MASTER_KEY_FILE: file })).rejects.toEqual(failing({ message: short }));
});

test('both at once are refused', () => {
  const both = { HOMEPORT_MASTER_KEY: KEY, HOMEPORT_MASTER_KEY_FILE: file };
  expect(() => readConfig(both)).toThrow(
    failing({ code: 'invalid_input', message: expect.stringContaining('both') }),
  );
});
