import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ApiJob } from '../support/api-shapes.ts';
import { addServer, protect } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { privilegedTest, sharedHomeport, sharedPostgres } from './world.ts';

const homeport = sharedHomeport();
const postgres = sharedPostgres();

/** Runs a command where this machine's PostgreSQL programs are out of sight, for it alone. */
const WITHOUT_TOOLS = [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'mount -t tmpfs none /usr/lib/postgresql; exec "$@"',
  'sh',
];

privilegedTest('client tools that are missing or too old are named with the package to install', async () => {
  const { api, directory } = homeport();
  const tools = join(directory, 'tools');
  await mkdir(tools);
  const env = { PATH: `${tools}:${process.env.PATH}` };
  const agent = await homeport().agent('bare', { prefix: WITHOUT_TOOLS, env });
  const server = await addServer(api, agent, { name: 'bare', server: postgres() });
  await createShop(postgres(), 'shop', 10);
  const database = await protect(api, server.id, 'shop');
  const failure = async () => {
    const { id } = await api.post<ApiJob>(`/databases/${database.id}/backup`);
    const job = await api.finished(id);
    expect(job).toMatchObject({ state: 'failed', attempt: 1, failure: { retryable: false } });
    expect(job.failure?.hint).toContain('apt-get install postgresql-client-15');
    return job.failure;
  };
  expect(await failure()).toMatchObject({ code: 'tool_missing' });
  // No package has a version this old any more; Homeport asks a tool for its version before it runs it.
  for (const name of ['pg_dump', 'pg_restore']) {
    await writeFile(join(tools, name), `#!/bin/sh\necho '${name} (PostgreSQL) 12.22'\n`);
    await chmod(join(tools, name), 0o755);
  }
  const tooOld = await failure();
  expect(tooOld).toMatchObject({ code: 'tool_too_old' });
  expect(tooOld?.message).toContain('12.22');
  expect(await api.get(`/snapshots?databaseId=${database.id}`)).toEqual([]);
});
