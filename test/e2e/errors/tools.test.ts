import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Agent } from '../../support/agent.ts';
import type { ApiDatabase, ApiJob } from '../../support/api-shapes.ts';
import { startMariadb } from '../../support/mariadb.ts';
import { postgresBinaries, startPostgres } from '../../support/postgres.ts';
import { protect } from '../../support/protect.ts';
import type { TestServer } from '../../support/server-process.ts';
import { privilegedTest } from '../world.ts';
import { enter, jobFailure, sharedDesk, type Wanted } from './shown.ts';

/** Client tools that are missing, too old, or end before the dump does; shown alike in all three ways. */
const desk = sharedDesk();
const resources = new AsyncDisposableStack();

/** Runs a command where this machine's client tools are out of sight, for it alone. */
const WITHOUT_TOOLS = [
  ...['unshare', '--mount', 'sh', '-c'],
  'mount -t tmpfs none /usr/lib/postgresql; mount --bind /dev/null "$(readlink -f /usr/bin/mariadb-dump)"; exec "$@"',
  'sh',
];

const realPgDump = join(postgresBinaries().directory, 'pg_dump');

const TOOLS: Record<
  string,
  {
    start: () => Promise<TestServer>;
    name: string;
    real: string;
    /** What `--version` says. */
    says: (version: string) => string;
    install: Wanted['hint'];
  }
> = {
  postgresql: {
    start: startPostgres,
    name: 'pg_dump',
    real: realPgDump,
    says: (version) => `pg_dump (PostgreSQL) ${version}`,
    install: ['Install version 15 or newer', 'apt-get install postgresql-client-15'],
  },
  mariadb: {
    start: startMariadb,
    name: 'mariadb-dump',
    real: '/usr/bin/mariadb-dump',
    says: (version) => `mariadb-dump  Ver 10.19 Distrib ${version}-MariaDB, for debian-linux-gnu (x86_64)`,
    install: ['MariaDB client 10.11 or newer', 'apt-get install mariadb-client'],
  },
};

afterAll(() => resources.disposeAsync());

describe.each(Object.keys(TOOLS))('%s', (engine) => {
  const tool = TOOLS[engine] as (typeof TOOLS)[string];
  let directory: string;
  let bare: ApiDatabase;
  let hasty: ApiDatabase;
  beforeAll(async () => {
    if (process.getuid?.() !== 0 && !process.env.HOMEPORT_CI) return;
    const { homeport } = desk();
    directory = join(homeport.directory, `tools-${engine}`);
    await mkdir(directory);
    const env = { PATH: `${directory}:${process.env.PATH}` };
    const server = resources.use(await tool.start());
    await server.query('CREATE DATABASE shop');
    await server.query('CREATE TABLE orders (id int, body varchar(60000))', 'shop');
    await server.query(`INSERT INTO orders VALUES (1, REPEAT('order ', 10000))`, 'shop');
    const entered = async (agent: Agent) => {
      const entry = await enter(desk(), agent, { name: agent.name, server });
      return protect(desk().api, entry.id, 'shop');
    };
    bare = await entered(await homeport.agent(`bare-${engine}`, { prefix: WITHOUT_TOOLS, env }));
    hasty = await entered(await homeport.agent(`hasty-${engine}`, { env }));
  });

  /** Puts a program of that name where the agents look first; Homeport asks each for its version. */
  async function install(version: string, otherwise: string): Promise<void> {
    const path = join(directory, tool.name);
    const answer = `case "$*" in *--version*) echo '${tool.says(version)}'; exit;; esac`;
    await writeFile(path, `#!/bin/sh\n${answer}\n${otherwise}\n`);
    await chmod(path, 0o755);
  }

  const failing = async (database: ApiDatabase, wanted: Wanted) => {
    const { id } = await desk().api.post<ApiJob>(`/databases/${database.id}/backup`);
    const failure = await jobFailure(desk(), id, wanted);
    expect(await desk().api.get(`/snapshots?databaseId=${database.id}`)).toEqual([]);
    // What only a person can mend is not tried again.
    if (wanted.code.startsWith('tool_')) expect(failure.retryable).toBe(false);
    return failure;
  };

  privilegedTest('none is installed', async () => {
    await failing(bare, {
      code: 'tool_missing',
      message: [`${tool.name} is not installed on the agent’s host`],
      ...(tool.install ? { hint: tool.install } : {}),
    });
  });

  privilegedTest('one that is too old', async () => {
    // No package has a version this old any more.
    const old = engine === 'mariadb' ? '10.3.39' : '12.22';
    await install(old, 'exit 1');
    await failing(bare, {
      code: 'tool_too_old',
      message: [`${tool.name} ${old} is too old: this needs`],
      ...(tool.install ? { hint: tool.install } : {}),
    });
  });

  privilegedTest('one that ends well before the end of the dump', async () => {
    const newest = engine === 'mariadb' ? '10.11.99' : '15.99';
    await install(newest, `${tool.real} "$@" 2>/dev/null | head -c 20000`);
    await failing(hasty, {
      code: 'dump_incomplete',
      message: ['The dump is not whole'],
      hint: ['Nothing was stored', 'Run the backup again'],
    });
  });

  privilegedTest('one that fails', async () => {
    const newest = engine === 'mariadb' ? '10.11.99' : '15.99';
    await install(newest, `echo '${tool.name}: error: it is Monday' >&2; exit 3`);
    const { detail } = await failing(hasty, {
      code: 'dump_incomplete',
      message: [`${tool.name} ${newest} failed (exit status 3)`, 'it is Monday'],
      hint: ['Nothing was stored'],
    });
    expect(detail).toContain('it is Monday');
  });
});
