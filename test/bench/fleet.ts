import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { closeDb, DATABASE_FILE, openDb } from '../../control-plane/db/open.ts';
import { BIG_FLEET, fillFleet, idOf } from '../support/big-fleet.ts';
import { startControlPlane } from '../support/control-plane.ts';
import { measureFleet } from '../support/fleet-speed.ts';

/** A control plane in a process of its own with the big fleet in it, and what each list takes there. */
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '50' } } });

const directory = await mkdtemp(join(tmpdir(), 'homeport-bench-fleet-'));
const logDirectory = join(directory, 'logs');
await mkdir(logDirectory);
const data = join(directory, 'data');
const controlPlane = await startControlPlane({ data, logDirectory });
try {
  const api = await controlPlane.createApi('bench');
  const [vault] = await api.get<{ id: string }[]>('/vaults');
  const { agents, databases, snapshotsEach } = BIG_FLEET;
  console.error(`Writing ${agents} agents, ${databases} databases, ${databases * snapshotsEach} snapshots …`);
  const db = openDb(join(data, DATABASE_FILE));
  fillFleet(db, { vaultId: vault?.id ?? '', size: BIG_FLEET, now: Date.now() });
  closeDb(db);
  const about = { databaseId: idOf('database', 7777), serverId: idOf('server', 77) };
  const speeds = await measureFleet(api, { ...about, rounds: Number(values.rounds) });
  const shown = (path: string) => path.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID');
  console.log('| answer | limit | p50 | p95 | computing, p95 |\n| --- | ---: | ---: | ---: | ---: |');
  for (const { cpu, limit, path, wall } of speeds)
    console.log(`| \`${shown(path)}\` | ${limit} | ${wall.p50} | ${wall.p95} | ${cpu.p95} |`);
  const slow = speeds.filter(({ limit, wall }) => wall.p95 > limit);
  for (const { path } of slow) console.error(`Slower than it is to be: ${shown(path)}`);
  process.exitCode = slow.length > 0 ? 1 : 0;
} finally {
  await controlPlane.stop();
  await rm(directory, { recursive: true, force: true });
}
