import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startHomeport } from '../support/harness.ts';
import { startMariadb } from '../support/mariadb.ts';
import { startPostgres } from '../support/postgres.ts';
import { generate, PINNED_ROWS } from './generate.ts';
import { generateMariadb, PINNED_MARIADB_ROWS } from './generate-mariadb.ts';
import { type MariadbFigures, measureMariadb } from './mariadb.ts';
import { type MemoryFigure, measureMemory } from './memory.ts';
import { report } from './report.ts';
import { measureSpeed, type SpeedFigures } from './speed.ts';

/** 0.3 GB and 3 GB of dump, for the figure that memory does not grow with the database. */
const MEMORY_ROWS = [920_000, 9_200_000];

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: String(PINNED_ROWS) },
    'mariadb-rows': { type: 'string', default: String(PINNED_MARIADB_ROWS) },
    rounds: { type: 'string', default: '5' },
    /** `speed`, `memory` (both PostgreSQL) or `mariadb`. */
    only: { type: 'string', default: 'all' },
    write: { type: 'boolean', default: false },
  },
});

const rounds = Number(values.rounds);
const directory = await mkdtemp(join(tmpdir(), 'homeport-bench-'));
const homeport = await startHomeport();
const wanted = (part: string) => values.only === 'all' || values.only === part;
try {
  const postgres = await measurePostgres();
  const mariadb = wanted('mariadb') ? await measureMysqlFamily() : undefined;
  const mariadbRows = Number(values['mariadb-rows']);
  await report({ rows: Number(values.rows), ...postgres, mariadbRows, mariadb, write: values.write });
} finally {
  await homeport.stop();
  await rm(directory, { recursive: true, force: true });
}

async function measurePostgres(): Promise<{ speed: SpeedFigures | undefined; memory: MemoryFigure[] }> {
  const memory: MemoryFigure[] = [];
  let speed: SpeedFigures | undefined;
  if (!wanted('speed') && !wanted('memory')) return { speed, memory };
  await using postgres = await startPostgres({ settings: { shared_buffers: '1GB', max_wal_size: '8GB' } });
  const world = { postgres, homeport, directory };
  const load = async (name: string, count: number) => {
    console.error(`Generating ${count} rows into “${name}” …`);
    await postgres.query(`CREATE DATABASE ${name}`);
    await generate(count, { ...postgres.psqlEnv, PGDATABASE: name });
  };
  if (wanted('speed')) {
    await load('pinned', Number(values.rows));
    speed = await measureSpeed(world, { database: 'pinned', rounds });
    await postgres.query('DROP DATABASE pinned');
  }
  for (const count of wanted('memory') ? MEMORY_ROWS : []) {
    const name = `memory_${count}`;
    await load(name, count);
    memory.push(await measureMemory(world, name));
    await postgres.query(`DROP DATABASE ${name}`);
  }
  return { speed, memory };
}

async function measureMysqlFamily(): Promise<MariadbFigures> {
  await using mariadb = await startMariadb({
    settings: { innodb_buffer_pool_size: '1G', innodb_log_file_size: '1G' },
  });
  console.error('Generating the pinned MariaDB data …');
  await mariadb.query('CREATE DATABASE pinned');
  await generateMariadb(Number(values['mariadb-rows']), [
    `--defaults-file=${mariadb.defaultsFile}`,
    'pinned',
  ]);
  return await measureMariadb({ mariadb, homeport, directory }, { database: 'pinned', rounds });
}
