import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { openDb } from '../../../control-plane/db/open.ts';
import { openVaultService } from '../../../control-plane/vault/open.ts';
import type { Failure } from '../../../protocol/failure.ts';
import { type Desk, recoveryDesk } from '../../support/recovery.ts';
import type { Fleet } from './fleet.ts';
import { type World, world } from './world.ts';

const ADDRESS = 'https://backups.example.org';

interface Ruin extends Desk {
  kit: string;
  dumps: Buffer[];
  ids: string[];
}

/** Two snapshots of a world that is gone: the vault's files and the kit are left. */
async function ruin(change?: (w: World, fleet: Fleet) => Promise<void>): Promise<Ruin> {
  await using w = await world();
  const fleet = await w.enrol();
  const dumps = [randomBytes(3_000_000), Buffer.alloc(3_000_000, 'orders of the day ')];
  const ids: string[] = [];
  for (const dump of dumps) ids.push((await w.backUp(fleet, dump)).snapshotId);
  await change?.(w, fleet);
  const kit = w.vaults.service.recoveryKit(w.vaultId, ADDRESS).text;
  const desk = await recoveryDesk(w.storePath, kit);
  onTestFinished(() => desk[Symbol.asyncDispose]());
  return { ...desk, kit, dumps, ids };
}

test('snapshots come back from the files, the kit and plain Node', async () => {
  const { dumps, ids, path, recover } = await ruin();
  const { stdout } = await recover('--kit', 'kit.txt', 'list');
  expect(stdout.trim().split('\n')).toHaveLength(2);
  for (const [i, id] of ids.entries()) {
    expect(stdout).toContain(id);
    const { code, stderr } = await recover('--kit', 'kit.txt', 'get', id.slice(0, 13), '--out', `${i}.dump`);
    expect(code, stderr).toBe(0);
    expect(dumps[i]!.equals(await readFile(join(path, `${i}.dump`)))).toBe(true);
  }
  expect((await readdir(path)).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test('a large dump goes through little memory', async () => {
  await using w = await world();
  const dump = randomBytes(250_000_000);
  const { snapshotId } = await w.backUp(await w.enrol(), dump);
  await using desk = await recoveryDesk(w.storePath, w.vaults.service.recoveryKit(w.vaultId, ADDRESS).text);
  const tell = `process.on('exit', () => console.log(process.resourceUsage().maxRSS))`;
  await writeFile(join(desk.path, 'tell.mjs'), tell);
  const get = `recover.mjs --kit kit.txt get ${snapshotId} --out big.dump`;
  const { code, stderr, stdout } = await desk.shell(`${process.execPath} --import ./tell.mjs ${get}`);
  expect(code, stderr).toBe(0);
  expect(dump.equals(await readFile(join(desk.path, 'big.dump')))).toBe(true);
  // KiB; a bare Node takes some 50 MiB, and on a busy machine what is done with is freed late.
  expect(Number(stdout)).toBeLessThan(224 * 1024);
});

test('a file that exists is left alone, and no command is guessed at', async () => {
  const { ids, path, recover } = await ruin();
  await writeFile(join(path, 'mine'), 'precious');
  const taken = await recover('--kit', 'kit.txt', 'get', ids[0]!, '--out', 'mine');
  expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining('mine exists already') });
  // Whoever keeps the store may have laid a link where the file is being written.
  await symlink(join(path, 'mine'), join(path, 'shop.dump.part'));
  const link = await recover('--kit', 'kit.txt', 'get', ids[0]!, '--out', 'shop.dump');
  expect(link).toMatchObject({ code: 1, stderr: expect.stringContaining('shop.dump.part exists already') });
  expect(await readFile(join(path, 'mine'), 'utf8')).toBe('precious');
  for (const args of [
    [],
    ['list'],
    ['--kit', 'kit.txt', 'get', ids[0]!],
    ['--kit', 'kit.txt', 'get'],
    ['--kit', 'kit.txt', 'get', ids[0]!, '--out', ''],
    ['-x'],
  ])
    expect(await recover(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage:') });
  const both = ['--kit', 'kit.txt', 'get', ids[0]!, '--out', 'x', '--stdout'];
  expect((await recover(...both)).code).toBe(2);
  const several = await recover('--kit', 'kit.txt', 'get', '', '--out', 'x');
  expect(several).toMatchObject({ code: 1, stderr: expect.stringContaining('2 snapshots begin with “”') });
  const unknown = await recover('--kit', 'kit.txt', 'get', 'ffffffff', '--out', 'x');
  expect(unknown).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is no snapshot ffffffff'),
  });
});

test('a kit that is not the right one, or not right, is told apart', async () => {
  const [mine, other] = [await ruin(), await ruin()];
  const tell = async (kit: string) => {
    await writeFile(join(mine.path, 'other.txt'), kit);
    const { code, stderr } = await mine.recover('--kit', 'other.txt', 'list');
    expect(code).toBe(1);
    return stderr;
  };
  const swap = (name: string, change: (value: string) => string) =>
    mine.kit.replace(new RegExp(`^${name}: (.*)$`, 'm'), (_, value) => `${name}: ${change(value)}`);
  const mistype = (value: string) => value.replace(/.$/, (last) => (last === 'Q' ? 'P' : 'Q'));
  expect(await tell(other.kit)).toContain('This kit is of another vault');
  expect(await tell('shopping list')).toContain('is not a Homeport recovery kit');
  expect(await tell(swap('identity', mistype))).toContain('The line “identity:” of the kit is mistyped');
  expect(await tell(mine.kit.replace(/^(identity: .{60})/m, '$1\n'))).toContain('it is one line');
  expect(await tell(swap('signing-key', mistype))).toContain('A line of the kit is mistyped');
  expect(await tell(mine.kit.replace(/^signing-key.*\n/m, ''))).toContain('no line “signing-key:”');
  expect(await tell(mine.kit + mine.kit)).toContain('The kit has two lines “recovery-kit:”');
  expect(await tell(swap('recovery-kit', () => '2'))).toContain('newer Homeport');
});

test('a kit typed off paper works: a mark at its start, other line ends, indents', async () => {
  const { kit, path, recover } = await ruin();
  for (const end of ['\r\n', '\r']) {
    const typed = kit
      .split('\n')
      .map((line) => `   ${line}  `)
      .join(end);
    await writeFile(join(path, 'typed.txt'), `\uFEFF${typed}`);
    expect(await recover('--kit', 'typed.txt', 'list')).toMatchObject({ code: 0 });
  }
});

test('what is strewn among the snapshots hides none of them', async () => {
  const { dumps, ids, path, recover } = await ruin();
  const folder = join(path, 'snapshots', 'strewn');
  await mkdir(folder);
  const untrue = (text: string) => zstdCompressSync(JSON.stringify({ manifest: text, signature: '' }));
  const bomb = `[${'[],'.repeat(1_000_000)}[]]`;
  const hidden = (text: string) => zstdCompressSync(`{"manifest":"${text.replaceAll(',', '\\u002c')}"}`);
  await writeFile(join(folder, `hidden-${crypto.randomUUID()}.json.zst`), hidden(bomb));
  for (const text of ['null', '7', '{"streams":[]}', bomb])
    await writeFile(join(folder, `now-${crypto.randomUUID()}.json.zst`), untrue(text));
  await writeFile(join(folder, `before-${ids[0]}.json.zst`), untrue('null'));
  const names = await readdir(join(path, 'snapshots'), { recursive: true });
  const real = names.find((name) => name.endsWith(`-${ids[0]}.json.zst`) && !name.startsWith('strewn'))!;
  await copyFile(join(path, 'snapshots', real), join(folder, `copied-${ids[0]}.json.zst`));
  const { code, stderr, stdout } = await recover('--kit', 'kit.txt', 'list');
  expect({ code, lines: stdout.trim().split('\n').length }).toEqual({ code: 1, lines: 2 });
  expect(stderr.match(/^Left out: The manifest /gm)).toHaveLength(6);
  expect(stderr.match(/more values than its length warrants/g)).toHaveLength(2);
  expect(stderr).not.toMatch(/\n\s+at /);
  const got = await recover('--kit', 'kit.txt', 'get', ids[0]!, '--out', '0.dump');
  expect(got, got.stderr).toMatchObject({ code: 0 });
  expect(dumps[0]!.equals(await readFile(join(path, '0.dump')))).toBe(true);
});

test('an older Node is told what it lacks', async () => {
  const { path, shell } = await ruin();
  // A Node that cannot read zstd, as far as the script can see.
  await writeFile(join(path, 'older.mjs'), `import zlib from 'node:zlib'; delete zlib.zstdDecompressSync;`);
  const old = await shell(`${process.execPath} --import ./older.mjs recover.mjs --kit kit.txt list`);
  expect(old).toMatchObject({ code: 1, stderr: expect.stringContaining('This needs Node 22.15 or newer') });
});

test('names that would command a terminal are shown without their power', async () => {
  const { path, recover } = await ruin(async (w, fleet) => {
    const job = w.job(fleet);
    const upload = await w.upload(fleet, randomBytes(1000));
    const server = { id: fleet.serverId, name: 'main\u001b[2J\u202e', engine: 'postgresql', version: '15' };
    const manifest = await w.manifest(fleet, job, { ...upload, change: { server } });
    await w.client(fleet).commit({ jobId: job.id, attempt: 1 }, manifest, new AbortController().signal);
  });
  const clean = await recover('--kit', 'kit.txt', 'list');
  expect(clean).toMatchObject({ code: 0, stdout: expect.stringContaining('main?[2J?/Shop') });
  const evil = join(path, 'snapshots', 'evil\u001b[2J');
  await mkdir(evil);
  await writeFile(join(evil, `now-${crypto.randomUUID()}.json.zst`), 'junk');
  const { code, stderr } = await recover('--kit', 'kit.txt', 'list');
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('evil?[2J/now-') });
});

test('the kit is handed out with a time, which a lost database forgets', async () => {
  await using w = await world();
  expect(w.vaults.service.vaults()[0]?.kitDownloadedAt).toBeNull();
  const before = Date.now();
  const { fileName, text } = w.vaults.service.recoveryKit(w.vaultId, `${ADDRESS}\n\u2028evil: line`);
  expect(fileName).toMatch(/^homeport-recovery-kit-[0-9a-f]{8}\.txt$/);
  expect(text).toContain(`control-plane: ${ADDRESS} evil: line\n`);
  expect(w.vaults.service.vaults()[0]?.kitDownloadedAt).toBeGreaterThanOrEqual(before);
  w.stop();
  await w.start();
  expect(w.vaults.service.vaults()[0]?.kitDownloadedAt).toBeGreaterThanOrEqual(before);
  w.stop();
  for (const suffix of ['', '-wal', '-shm']) await rm(w.databaseFile + suffix, { force: true });
  await w.start();
  expect(w.vaults.service.vaults()[0]?.kitDownloadedAt).toBeNull();
  expect(() => w.vaults.service.recoveryKit(crypto.randomUUID(), ADDRESS)).toThrow('no such vault');
});

test('the vault carries this version’s recover.mjs; an older one is replaced at the next start', async () => {
  await using w = await world();
  const script = join(w.storePath, 'recover.mjs');
  const shipped = await readFile(script, 'utf8');
  expect(shipped).toContain('"pg_restore --dbname=NAME FILE"');
  expect(shipped.match(/from '(?!node:)/)).toBeNull();
  await writeFile(script, 'an older one');
  await rm(join(w.storePath, 'RECOVERY.md'));
  w.stop();
  await w.start();
  expect(await readFile(script, 'utf8')).toBe(shipped);
  expect(await readFile(join(w.storePath, 'RECOVERY.md'), 'utf8')).toContain('recover.mjs');
  expect(w.reconciled?.refused).toEqual([]);
});

test('what cannot be replaced is no reason not to start, and is told', async () => {
  await using w = await world();
  const script = join(w.storePath, 'recover.mjs');
  await rm(script);
  await mkdir(join(script, 'in the way'), { recursive: true });
  w.stop();
  w.db = openDb(w.databaseFile);
  const told: Failure[] = [];
  w.vaults = await openVaultService({ ...w.options(), onStaleRecovery: (_, failure) => told.push(failure) });
  expect(told).toMatchObject([{ code: 'store_unavailable' }]);
  expect((await w.backUp(await w.enrol(), randomBytes(1000))).snapshotId).toBeTruthy();
});
