import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { signRelease, writeReleaseKey } from '../../../agent/build/signing.ts';
import { applyUpdate, formerOf, type UpdateHands, type UpdatePlace } from '../../../agent/update/apply.ts';
import { updateRecord } from '../../../agent/update/outcome.ts';
import { fail } from '../../../protocol/failure.ts';
import { RELEASE_FILE, RELEASE_SIGNATURE_FILE } from '../../../protocol/release.ts';
import { temporaryState } from '../../support/agent-at-peer.ts';
import { output } from '../../support/command.ts';
import { writeSmallRelease } from '../../support/small-release.ts';

const PROGRAM = (version: string) => `#!/bin/sh\necho ${version}\n`;
const log = pino({ level: 'silent' });

let directory: string;
let place: UpdatePlace;
let room: string;
let release: string;
let restarts: string[];
let obstacle: ReturnType<typeof fail> | undefined;
let hands: UpdateHands;

beforeEach(async () => {
  const made = await temporaryState();
  onTestFinished(() => made[Symbol.asyncDispose]());
  directory = made.path;
  room = join(directory, 'state/update');
  release = join(directory, 'release');
  for (const path of ['bin', 'updates', 'state/update'])
    await mkdir(join(directory, path), { recursive: true });
  const program = join(directory, 'bin/homeport-agent');
  await writeFile(program, PROGRAM('0.1.0'), { mode: 0o755 });
  const config = {
    policy: { restore: 'allow', update: 'allow' } as UpdatePlace['config']['policy'],
    releaseKeyFile: join(directory, 'release-key'),
    stateDir: join(directory, 'state'),
    updatesDir: join(directory, 'updates'),
  };
  place = { config, program, platform: 'linux-x64', running: '0.1.0' };
  const key = await writeReleaseKey(join(directory, 'own.key'));
  await writeFile(config.releaseKeyFile, `${key}\n`);
  await writeReleaseKey(join(directory, 'foreign.key'));
  restarts = [];
  obstacle = undefined;
  hands = {
    restart: async () => void restarts.push(await versionInPlace()),
    versionOf: async (path) => (await output([path, '--version'])).output.trim(),
    settled: async () => obstacle?.failure,
  };
});

const versionInPlace = async () => (await output([place.program])).output.trim();
const beside = () => readdir(join(directory, 'bin'));

/** What an agent that was asked leaves: a signed build, and its wish. */
async function staged(
  version = '0.2.0',
  { key = 'own.key', program = PROGRAM(version) } = {},
): Promise<void> {
  const bytes = Buffer.from(program);
  const packed = gzipSync(bytes);
  const described = (name: string, of: Buffer) => ({
    name,
    size: of.length,
    sha256: createHash('sha256').update(of).digest('hex'),
  });
  const plain = await writeSmallRelease(release, { version });
  const files = plain.files.map((file) =>
    file.platform === 'linux-x64'
      ? { ...file, ...described(file.name, bytes), packed: described(file.packed.name, packed) }
      : file,
  );
  await writeFile(join(release, 'homeport-agent-linux-x64'), bytes);
  await writeFile(join(release, 'homeport-agent-linux-x64.gz'), packed);
  await writeFile(join(release, RELEASE_FILE), JSON.stringify({ ...plain, files }));
  await signRelease(release, join(directory, key));
  for (const name of [RELEASE_FILE, RELEASE_SIGNATURE_FILE])
    await writeFile(join(room, name), await readFile(join(release, name)));
  await writeFile(join(room, 'build.gz'), packed);
  await writeFile(join(room, 'request.json'), JSON.stringify({ v: 1, version }));
}

const apply = () => applyUpdate(place, hands, log);

describe('a build that is signed, newer and whole', () => {
  test('takes the place of the program, and is started', async () => {
    await staged();
    expect(await apply()).toMatchObject({ result: 'updated', from: '0.1.0', to: '0.2.0' });
    expect(restarts).toEqual(['0.2.0']);
    expect(await beside()).toEqual(['homeport-agent']);
    expect(await updateRecord(place.config.updatesDir).outcome()).toMatchObject({ result: 'updated' });
  });

  test('that does not connect makes room for the former one, and says what was in its way', async () => {
    await staged();
    obstacle = fail('protocol_mismatch', 'It speaks another language.', 'Teach it.');
    const outcome = await apply();
    expect(outcome).toMatchObject({
      result: 'rolled-back',
      failure: { code: 'update_rolled_back', hint: expect.stringContaining('another language. Teach it.') },
    });
    expect(restarts).toEqual(['0.2.0', '0.1.0']);
    expect(await beside()).toEqual(['homeport-agent']);
  });

  test('that cannot be started makes room as well', async () => {
    await staged();
    const restart = hands.restart;
    hands.restart = async () => {
      await restart();
      if (restarts.length === 1) throw new Error('Job for the unit failed.');
    };
    expect(await apply()).toMatchObject({ result: 'rolled-back', failure: { code: 'update_rolled_back' } });
    expect(restarts).toEqual(['0.2.0', '0.1.0']);
  });

  test('nothing is done where nothing is asked for', async () => {
    expect(await apply()).toBeUndefined();
    expect(restarts).toEqual([]);
  });
});

describe('interrupted in the middle of a trial, it is taken up again', () => {
  const interrupt = async (newInPlace: boolean) => {
    await updateRecord(place.config.updatesDir).beginTrial({ v: 1, from: '0.1.0', to: '0.2.0' });
    if (!newInPlace) return;
    await rename(place.program, formerOf(place.program));
    await writeFile(place.program, PROGRAM('0.2.0'), { mode: 0o755 });
  };

  test('and kept where the new one has connected', async () => {
    await interrupt(true);
    expect(await apply()).toMatchObject({ result: 'updated' });
    expect([await versionInPlace(), await beside()]).toEqual(['0.2.0', ['homeport-agent']]);
  });

  test.for([true, false])('and taken back where it has not; new one in place: %s', async (newInPlace) => {
    await interrupt(newInPlace);
    obstacle = fail('control_plane_unreachable', 'Nobody came.', 'Wait.');
    expect(await apply()).toMatchObject({ result: 'rolled-back' });
    expect([await versionInPlace(), await beside()]).toEqual(['0.1.0', ['homeport-agent']]);
    expect(await updateRecord(place.config.updatesDir).trial()).toBeUndefined();
  });
});

describe('refused, whoever laid it there', () => {
  test.for<[what: string, code: string, spoil: () => unknown]>([
    ['a foreign build', 'update_untrusted', () => staged('0.2.0', { key: 'foreign.key' })],
    ['the version that runs', 'update_not_newer', () => staged('0.1.0')],
    ['an older one', 'update_not_newer', () => staged('0.0.9')],
    [
      'bytes that were changed',
      'update_damaged',
      () => writeFile(join(room, 'build.gz'), gzipSync(PROGRAM('0.2.1'))),
    ],
    ['bytes that are no archive', 'update_damaged', () => writeFile(join(room, 'build.gz'), 'x'.repeat(50))],
    [
      'an archive without end',
      'update_damaged',
      () => writeFile(join(room, 'build.gz'), gzipSync(Buffer.alloc(50_000_000))),
    ],
    [
      'a manifest that was changed',
      'update_untrusted',
      async () => {
        const manifest = join(room, RELEASE_FILE);
        await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('"0.2.0"', '"0.9.0"'));
      },
    ],
    [
      'another version than the one asked for',
      'update_not_possible',
      () => writeFile(join(room, 'request.json'), '{"v":1,"version":"0.3.0"}'),
    ],
    [
      'a link in the place of a file',
      'update_not_possible',
      async () => {
        await rename(join(room, RELEASE_FILE), join(directory, 'elsewhere'));
        await symlink(join(directory, 'elsewhere'), join(room, RELEASE_FILE));
      },
    ],
    [
      'a pipe in the place of a file',
      'update_not_possible',
      async () => {
        await rm(join(room, RELEASE_SIGNATURE_FILE));
        await output(['mkfifo', join(room, RELEASE_SIGNATURE_FILE)]);
      },
    ],
    [
      'nothing for this platform',
      'update_not_possible',
      () => Object.assign(place, { platform: 'linux-riscv64' }),
    ],
    [
      'a program that does not start',
      'update_not_possible',
      () => staged('0.2.0', { program: '#!/bin/sh\nexit 1\n' }),
    ],
    ['no pinned key', 'update_not_possible', () => rm(place.config.releaseKeyFile)],
    ['a policy against it', 'policy_denied', () => Object.assign(place.config.policy, { update: 'deny' })],
  ])('%s', async ([, code, spoil]) => {
    await staged();
    await spoil();
    expect(await apply()).toMatchObject({ result: 'refused', failure: { code } });
    expect([await versionInPlace(), await beside()]).toEqual(['0.1.0', ['homeport-agent']]);
    // It had stopped taking jobs for this.
    expect(restarts).toEqual(['0.1.0']);
  });

  test('a key file that others made', async () => {
    await staged();
    await writeFile(place.config.releaseKeyFile, 'something else');
    await chmod(place.config.releaseKeyFile, 0o644);
    expect(await apply()).toMatchObject({ result: 'refused', failure: { code: 'invalid_input' } });
  });
});
