import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startHomeport } from '../support/harness.ts';
import { startPostgres } from '../support/postgres.ts';
import { generate, PINNED_ROWS } from './generate.ts';
import { measureMemory } from './memory.ts';
import { report } from './report.ts';
import { measureSpeed } from './speed.ts';

/** 0.3 GB and 3 GB of dump, for the figure that memory does not grow with the database. */
const MEMORY_ROWS = [920_000, 9_200_000];

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: String(PINNED_ROWS) },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'all' },
    write: { type: 'boolean', default: false },
  },
});

const directory = await mkdtemp(join(tmpdir(), 'homeport-bench-'));
const postgres = await startPostgres({ settings: { shared_buffers: '1GB', max_wal_size: '8GB' } });
const homeport = await startHomeport();
try {
  const world = { postgres, homeport, directory };
  const rows = Number(values.rows);
  const load = async (name: string, count: number) => {
    console.error(`Generating ${count} rows into “${name}” …`);
    await postgres.query(`CREATE DATABASE ${name}`);
    await generate(count, { ...postgres.psqlEnv, PGDATABASE: name });
  };
  let speed: Awaited<ReturnType<typeof measureSpeed>> | undefined;
  if (values.only !== 'memory') {
    await load('pinned', rows);
    speed = await measureSpeed(world, { database: 'pinned', rounds: Number(values.rounds) });
    await postgres.query('DROP DATABASE pinned');
  }
  const memory: Awaited<ReturnType<typeof measureMemory>>[] = [];
  for (const count of values.only === 'speed' ? [] : MEMORY_ROWS) {
    const name = `memory_${count}`;
    await load(name, count);
    memory.push(await measureMemory(world, name));
    await postgres.query(`DROP DATABASE ${name}`);
  }
  await report({ rows, speed, memory, write: values.write });
} finally {
  await homeport.stop();
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
}
