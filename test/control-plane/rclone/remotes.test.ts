import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RcloneStore } from '../../../control-plane/vault/stores/rclone.ts';
import { rcloneOptionsSchema } from '../../../control-plane/vault/stores/rclone-options.ts';
import { failureOf, storeContract } from '../../contract/store.ts';
import { startTestRclone, type TestRclone } from '../../support/rclone.ts';
import { type RcloneServer, startRcloneServer } from '../../support/rclone-serve.ts';

let dav: RcloneServer;
let under: TestRclone;
beforeAll(async () => {
  [dav, under] = await Promise.all([startRcloneServer('webdav'), startTestRclone()]);
});
afterAll(async () => {
  await Promise.all([under?.[Symbol.asyncDispose](), dav?.[Symbol.asyncDispose]()]);
});

function webdav(path: string, pass = dav.obscured) {
  const lines = ['[dav]', 'type = webdav', `url = http://127.0.0.1:${dav.port}`, 'vendor = other'];
  const section = [...lines, `user = ${dav.user}`, `pass = ${pass}`, ''].join('\n');
  return rcloneOptionsSchema.parse({ kind: 'rclone', path, remote: { type: 'other', section } });
}

storeContract('rclone, over WebDAV by a pasted section', async () => {
  const [folder, spool] = [randomUUID(), join(under.directory, randomUUID())];
  const store = new RcloneStore(webdav(folder), { rclone: under.rclone, spool });
  const filesIn = async (path: string) => {
    const found = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
    return found.filter((entry) => entry.isFile()).length;
  };
  return {
    store,
    objects: async () => (await filesIn(join(dav.files, folder))) + (await filesIn(spool)),
    [Symbol.asyncDispose]: () => store.close(),
  };
});

test('a password that is not as rclone keeps it, or a wrong one, is named', async () => {
  const spool = join(under.directory, 'refused');
  const sizeWith = (pass: string) =>
    failureOf(new RcloneStore(webdav('x', pass), { rclone: under.rclone, spool }).size('vault.json'));
  const typed = await sizeWith('canary password');
  expect(typed.message).toContain('a password of the section is not as rclone keeps it');
  expect(JSON.stringify(typed)).not.toContain('canary');
  expect((await sizeWith('w5-M-fd0Qvq6qRpFO5WlUmiM0FWxCzH7qg')).message).toContain(
    'does not accept the login',
  );
});

test('an SFTP server is used with a password, which is in no argument and in no file', async () => {
  await using sftp = await startRcloneServer('sftp');
  const { hostKey: hostKeys, password, port, user } = sftp;
  const remote = { type: 'sftp', host: '127.0.0.1', port, user, password, hostKeys };
  const options = rcloneOptionsSchema.parse({ kind: 'rclone', path: 'vault', remote });
  const store = new RcloneStore(options, { rclone: under.rclone, spool: join(under.directory, 'password') });
  expect(await store.putIfAbsent('vault.json', Buffer.from('hello'))).toBe(true);
  expect((await readFile(join(sftp.files, 'vault', 'vault.json'))).toString()).toBe('hello');
  const pid = await under.rclone.pid();
  const shown = await Promise.all(
    ['cmdline', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8')),
  );
  expect(shown.join()).not.toContain(password);
  for (const entry of await readdir(under.directory, { recursive: true, withFileTypes: true }))
    if (entry.isFile())
      expect((await readFile(join(entry.parentPath, entry.name), 'utf8')).includes(password)).toBe(false);
});
