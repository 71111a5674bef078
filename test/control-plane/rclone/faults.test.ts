import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { probeStore } from '../../../control-plane/vault/stores/probe.ts';
import { RcloneStore } from '../../../control-plane/vault/stores/rclone.ts';
import { requireAllowed } from '../../../control-plane/vault/stores/rclone-addresses.ts';
import { describeRemote, type RcloneOptions } from '../../../control-plane/vault/stores/rclone-options.ts';
import { isRefusedOption } from '../../../control-plane/vault/stores/rclone-section.ts';
import { createOutgoing } from '../../../protocol/outgoing.ts';
import { failureOf } from '../../contract/store.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestRclone, type TestRclone } from '../../support/rclone.ts';
import { type SftpServer, startSftpServer } from '../../support/sftp.ts';
import { mountTmpfs } from '../../support/tmpfs.ts';

let server: SftpServer;
let under: TestRclone;
beforeAll(async () => {
  [server, under] = await Promise.all([startSftpServer(), startTestRclone()]);
});
afterAll(async () => {
  await Promise.all([under?.[Symbol.asyncDispose](), server?.stop()]);
});

const maxBytes = 64 * 1024 * 1024;
const strange = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
const privileged = test.runIf(process.getuid?.() === 0);

function storeOf(options: RcloneOptions, rclone = under.rclone): RcloneStore {
  return new RcloneStore(options, { rclone, spool: join(under.directory, randomUUID()) });
}

async function filesIn(folder: string): Promise<string[]> {
  const found = await readdir(join(server.files, folder), { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map(({ name }) => name);
}

test.each([
  ['another host key', { hostKeys: strange }, 'shows another host key than the pinned ones'],
  ['another user', { user: 'somebody' }, 'does not accept the login'],
  ['a password where it wants a key', { privateKey: undefined, password: 'x' }, 'does not accept the login'],
  ['a port where nobody listens', { port: 1 }, 'is not reachable'],
])('%s is named', async (_, change, what) => {
  const options = server.options('refused', change);
  const failure = await failureOf(storeOf(options).put('packs/ab/one', [randomBytes(9)], { maxBytes }));
  expect(failure).toMatchObject({ code: 'store_unavailable' });
  expect(failure.message).toContain(what);
  expect(JSON.stringify(failure)).not.toContain('PRIVATE KEY');
});

test('a folder that may only be read is named, and the test of the server says so', async () => {
  await mkdir(join(server.files, 'shut'), { mode: 0o555 });
  await chmod(join(server.files, 'shut'), 0o555);
  const options = server.options('shut/vault');
  const failure = await failureOf(probeStore(storeOf(options), describeRemote(options)));
  expect(failure).toMatchObject({ code: 'store_unavailable', retryable: false });
  expect(failure.message).toContain('does not permit it');
  expect(failure.hint).toContain('rename and delete');
});

privileged('a full disk is named, keeps what was there and takes on again once there is room', async () => {
  await using _ = await mountTmpfs(join(server.files, 'small'), 4);
  await chmod(join(server.files, 'small'), 0o777);
  const store = storeOf(server.options('small/vault'));
  await store.put('packs/ab/one', [randomBytes(1_000_000)], { maxBytes });
  const failure = await failureOf(store.put('packs/ab/two', [randomBytes(8_000_000)], { maxBytes }));
  expect(failure).toMatchObject({ code: 'disk_full' });
  expect(failure.message).toContain('has no room');
  expect(await filesIn('small/vault')).toEqual(['one']);
  await store.put('packs/ab/two', [randomBytes(1_000_000)], { maxBytes });
});

test('a server that dies while a file is on its way leaves no file under its name, and the next start cleans up', async () => {
  const store = storeOf(server.options('killed'));
  await store.put('packs/ab/one', [randomBytes(1000)], { maxBytes });
  const sent = store.put('packs/ab/two', [randomBytes(60_000_000)], { maxBytes });
  const outcome = sent.then(
    () => 'sent',
    (error: Error) => error.message,
  );
  await eventually('bytes arrive', async () => (await filesIn('killed/.staging')).length > 0);
  server.kill();
  expect(await outcome).toContain('store_unavailable');
  expect((await failureOf(store.size('packs/ab/one'))).message).toContain('is not reachable');
  await server.start();
  expect(await store.size('packs/ab/two')).toBeUndefined();
  expect(await store.size('packs/ab/one')).toBe(1000);
  expect(await store.sweep()).toBe(1);
  expect(await filesIn('killed')).toEqual(['one']);
});

test('calls outlive the death of rclone, and it is started again', async () => {
  const store = storeOf(server.options('reborn'));
  const bytes = randomBytes(30_000_000);
  await store.put('packs/ab/one', [randomBytes(1000)], { maxBytes });
  const before = await under.rclone.pid();
  const sent = store.put('packs/ab/two', [bytes], { maxBytes });
  await eventually('bytes arrive', async () => (await filesIn('reborn/.staging')).length > 0);
  process.kill(before!, 'SIGKILL');
  expect(await sent).toBe(bytes.length);
  expect(await under.rclone.pid()).not.toBe(before);
  expect((await store.read('packs/ab/two')).equals(bytes)).toBe(true);
  const parts: Buffer[] = [];
  for await (const part of store.stream('packs/ab/two')) {
    if (parts.length === 0) process.kill((await under.rclone.pid())!, 'SIGKILL');
    parts.push(part);
  }
  expect(Buffer.concat(parts).equals(bytes)).toBe(true);
});

test('an SFTP server tells how much room it has', async () => {
  const store = storeOf(server.options('room'));
  await store.put('packs/ab/one', [randomBytes(9)], { maxBytes });
  const { free = 0, total = 0 } = await store.room();
  const disk = await statfs(server.files);
  expect(total).toBe(disk.blocks * disk.bsize);
  expect(free).toBeGreaterThan(0);
  expect(free).toBeLessThanOrEqual(total);
});

test('a host without rclone is told so', async () => {
  await using bare = await startTestRclone('/nonexistent/rclone');
  const failure = await failureOf(storeOf(server.options('none'), bare.rclone).size('vault.json'));
  expect(failure).toMatchObject({ code: 'store_unavailable' });
  expect(failure.message).toContain('has no program “/nonexistent/rclone”');
  expect(failure.hint).toContain('HOMEPORT_RCLONE');
});

test('more files than one page of a list would hold', async () => {
  const folder = join(server.files, 'many', 'keys');
  await mkdir(folder, { recursive: true });
  const names = Array.from({ length: 1200 }, (_, index) => `${index}.age`);
  await promisify(execFile)('touch', names, { cwd: folder });
  expect(await Array.fromAsync(storeOf(server.options('many')).list('keys'))).toHaveLength(1200);
});

test('an address on this host or its link is refused unless the operator allows it', async () => {
  const refuse = createOutgoing(false);
  for (const host of ['127.0.0.1', 'localhost', '169.254.169.254', '::1'])
    expect((await failureOf(requireAllowed(server.options('x', { host }), refuse))).code, host).toBe(
      'forbidden',
    );
  await requireAllowed(server.options('x', { host: 'no.such.host.invalid' }), refuse);
  await requireAllowed(server.options('x'), createOutgoing(true));
});

test('no option of this rclone that leads to files or programs of the host is let through', async () => {
  const { stdout } = await promisify(execFile)('rclone', ['config', 'providers'], { maxBuffer: 2 ** 26 });
  const providers = JSON.parse(stdout) as { Name: string; Options: { Name: string }[] }[];
  const suspicious =
    /file|path|command|remote|upstream|ssh|env|msi|socket|dir|program|exec|profile|cache|agent|db$/;
  const harmless = [
    ...[
      'cache_time',
      'directory_name_encryption',
      'expose_onenote_files',
      'file_password',
      'filename_encoding',
    ],
    ...['filename_encryption', 'force_path_style', 'one_file_system', 'ram_cache_limit', 'shared_files'],
    ...['speedup_file_patterns', 'tls_cache_size', 'user_agent'],
    // Without use_msi nothing is asked of the host.
    ...['msi_client_id', 'msi_mi_res_id', 'msi_object_id'],
    // SFTP’s own, which has a form of its own.
    ...['key_file_pass', 'key_use_agent', 'path_override', 'set_env'],
  ];
  const open = providers.flatMap(({ Name, Options }) =>
    Options.map((option) => option.Name)
      .filter((name) => suspicious.test(name) && !isRefusedOption(name) && !harmless.includes(name))
      .map((name) => `${Name}.${name}`),
  );
  expect(open).toEqual([]);
});
