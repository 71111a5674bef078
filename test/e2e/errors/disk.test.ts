import { chown, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../../support/agent.ts';
import { startMariadb } from '../../support/mariadb.ts';
import { createNoise } from '../../support/noise.ts';
import { startPostgres } from '../../support/postgres.ts';
import { backUp, protect, startRestore } from '../../support/protect.ts';
import type { TestServer } from '../../support/server-process.ts';
import { mountTmpfs } from '../../support/tmpfs.ts';
import { privilegedTest } from '../world.ts';
import { enter, jobFailure, sharedDesk } from './shown.ts';

/** Database servers whose disk fills up during a restore, shown alike by API, command line and browser. */
const desk = sharedDesk();
let agent: Agent;
beforeAll(async () => {
  agent = await desk().homeport.agent('host');
});
const resources = new AsyncDisposableStack();
afterAll(() => resources.disposeAsync());

/** A small disk at `path` for a server’s account. */
async function smallDisk(path: string, server: TestServer, megabytes: number): Promise<void> {
  resources.use(await mountTmpfs(path, megabytes));
  const { gid, uid } = await stat(server.directory);
  await chown(path, uid, gid);
}

async function snapshotOf(server: TestServer, database: string) {
  const entry = await enter(desk(), agent, { name: server.engine, server });
  const { snapshot } = await backUp(desk().api, (await protect(desk().api, entry.id, database)).id);
  return { serverId: entry.id, snapshotId: snapshot.id };
}

privilegedTest('PostgreSQL: a tablespace that is full', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'homeport-disk-'));
  resources.defer(() => rm(scratch, { recursive: true, force: true }));
  const server = resources.use(await startPostgres());
  const { gid, uid } = await stat(server.directory);
  await chown(scratch, uid, gid);
  await mkdir(join(scratch, 'small'));
  await smallDisk(join(scratch, 'small'), server, 12);
  await server.query(`CREATE TABLESPACE small LOCATION '${join(scratch, 'small')}'`);
  await createNoise(server, 'noise', 7);
  await server.query('ALTER TABLE noise SET TABLESPACE small', 'noise');
  const { serverId, snapshotId } = await snapshotOf(server, 'noise');
  const job = await startRestore(desk().api, snapshotId, { serverId, plan: { targetDatabase: 'again' } });
  await jobFailure(desk(), job.id, {
    code: 'disk_full',
    message: [`127.0.0.1:${server.port} ran out of space`, 'No space left on device'],
    hint: ['df -h', 'restore to a server with more room'],
  });
});

test('MariaDB: a tablespace that may not grow', async () => {
  // On a file system that is full InnoDB may well end the server, which then is gone; here it is told its limit.
  const settings = { innodb_file_per_table: '0', innodb_data_file_path: 'ibdata1:12M:autoextend:max:40M' };
  const server = resources.use(await startMariadb({ settings }));
  await server.query('CREATE DATABASE noise');
  await server.query(
    'CREATE TABLE noise AS SELECT seq, RANDOM_BYTES(900) AS body FROM seq_1_to_18000',
    'noise',
  );
  const { serverId, snapshotId } = await snapshotOf(server, 'noise');
  const job = await startRestore(desk().api, snapshotId, { serverId, plan: { targetDatabase: 'again' } });
  await jobFailure(desk(), job.id, {
    code: 'disk_full',
    message: [`127.0.0.1:${server.port} ran out of space`, `The table 'noise' is full`],
    hint: ['What the restore had made is gone again', 'df -h'],
  });
  expect(await server.query(`SHOW DATABASES LIKE 'again'`)).toEqual([]);
});
