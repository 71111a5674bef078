import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { RcloneStore } from '../../../control-plane/vault/stores/rclone.ts';
import { storeContract } from '../../contract/store.ts';
import { startTestRclone, type TestRclone } from '../../support/rclone.ts';
import { type SftpServer, startSftpServer } from '../../support/sftp.ts';

let server: SftpServer;
let under: TestRclone;
beforeAll(async () => {
  [server, under] = await Promise.all([startSftpServer(), startTestRclone()]);
});
afterAll(async () => {
  await Promise.all([under?.[Symbol.asyncDispose](), server?.stop()]);
});

storeContract('rclone, over SFTP', async () => {
  const folder = `vault ${randomUUID()}`;
  const spool = join(under.directory, folder);
  const store = new RcloneStore(server.options(folder), { rclone: under.rclone, spool });
  const filesIn = async (path: string) => {
    const found = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
    return found.filter((entry) => entry.isFile()).length;
  };
  return {
    store,
    objects: async () => (await filesIn(join(server.files, folder))) + (await filesIn(spool)),
    [Symbol.asyncDispose]: () => store.close(),
  };
});
