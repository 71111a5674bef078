import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InferInsertModel } from 'drizzle-orm';
import type { Db } from '../../control-plane/db/open.ts';
import { agents, auditLog, databases, jobs, servers } from '../../control-plane/db/schema/fleet.ts';
import { packs, snapshots } from '../../control-plane/db/schema/vault.ts';
import { insertAll } from './insert-all.ts';

/** How large a fleet is. */
export interface FleetSize {
  agents: number;
  databases: number;
  /** Of each database that has any. */
  snapshotsEach: number;
  /** Backups of each database that are told of. */
  jobsEach: number;
  audit: number;
}

/** What the control plane promises to stay quick with. */
export const BIG_FLEET: FleetSize = {
  agents: 2000,
  databases: 10_000,
  snapshotsEach: 30,
  jobsEach: 10,
  audit: 100_000,
};

const HOUR = 3_600_000;
const FIELDS = ['shop', 'billing', 'crm', 'analytics', 'search', 'mail', 'wiki', 'payroll'];

/** Label of every tenth agent: what a team that sees only its own is limited to. */
export const TEAM = 'team=tenth';

/**
 * Fills a database with a fleet, the same for the same size and time. Only rows: nothing of it is in a store.
 * Of a hundred databases three failed last, two were stopped, one has no backup yet and one is neither protected nor
 * backed up.
 * @param now milliseconds since the epoch, when the newest backup ended
 */
export function fillFleet(db: Db, { now, size, vaultId }: { vaultId: string; size: FleetSize; now: number }) {
  // Room for all of it: what does not fit would be written out and read back over and over.
  db.$client.pragma('cache_size = -1000000');
  db.$client.pragma('temp_store = MEMORY');
  const { keep, sumUp } = summaries(db);
  db.transaction(() => {
    insertAll(db, agents, agentRows(size, now));
    insertAll(db, servers, serverRows(size, now));
    insertAll(db, databases, databaseRows(size, now));
    insertAll(db, jobs, jobRows(size, { now, vaultId }));
    insertAll(db, snapshots, snapshotRows(size, { now, vaultId }));
    insertAll(db, packs, packRows(size, { now, vaultId }));
    insertAll(db, auditLog, auditRows(size, now));
    sumUp();
    keep();
  });
  db.$client.pragma('cache_size = -2000');
}

/**
 * Lets the summaries be, which triggers would keep row by row for a minute; `sumUp` makes them as the migration does for
 * a database that was there before, and `keep` puts the triggers back.
 */
function summaries({ $client }: Db) {
  const triggers = $client.prepare(`select name, sql from sqlite_master where type = 'trigger'`).all();
  const kept = triggers as { name: string; sql: string }[];
  for (const { name } of kept) $client.exec(`drop trigger "${name}"`);
  const file = join(import.meta.dirname, '../../control-plane/db/migrations/0008_fleet_facts.sql');
  const statements = readFileSync(file, 'utf8').split('--> statement-breakpoint');
  const sums = statements.filter((one) => /^\s*(--.*\s*)?(INSERT INTO|UPDATE) /.test(one));
  return {
    sumUp: () => {
      for (const one of sums) $client.exec(one);
    },
    keep: () => {
      for (const { sql } of kept) $client.exec(sql);
    },
  };
}

/** Ids without an order, as real ones are: an index over them is as spread out. */
export function idOf(kind: string, n: number): string {
  const hex = createHash('md5').update(`${kind} ${n}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

type Fate = 'good' | 'failed' | 'stopped' | 'new' | 'unknown';

function fateOf(n: number): Fate {
  const share = n % 100;
  if (share < 3) return 'failed';
  if (share < 5) return 'stopped';
  if (share === 5) return 'new';
  return share === 6 ? 'unknown' : 'good';
}

const serverCount = ({ agents }: FleetSize) => Math.ceil(agents * 1.25);
const serverOf = (size: FleetSize, database: number) => database % serverCount(size);
const agentOf = (size: FleetSize, database: number) => serverOf(size, database) % size.agents;
const text = (n: number) => String(n).padStart(5, '0');

function* agentRows(size: FleetSize, now: number): Generator<InferInsertModel<typeof agents>> {
  for (let n = 0; n < size.agents; n += 1) {
    const inventory = {
      ...{
        version: '0.1.0',
        protocol: 1,
        os: 'Debian GNU/Linux 12',
        arch: 'x64',
        hostname: `host-${text(n)}`,
      },
      tools: [{ name: 'pg_dump', version: '17.6', path: '/usr/lib/postgresql/17/bin/pg_dump' }],
      servers: [],
      policy: {},
    };
    yield {
      ...{
        id: idOf('agent', n),
        name: `host-${text(n)}`,
        identityKey: idOf('identity', n),
        sealingKey: 'age1',
      },
      ...{ version: '0.1.0', inventory: JSON.stringify(inventory), createdAt: now - 4000 * HOUR },
      ...{ lastSeenAt: now - n * 1000, revokedAt: n % 200 === 199 ? now - HOUR : null },
      labels: n % 10 === 0 ? [TEAM] : [`site=${n % 7}`],
    };
  }
}

function* serverRows(size: FleetSize, now: number): Generator<InferInsertModel<typeof servers>> {
  for (let n = 0; n < serverCount(size); n += 1) {
    const connection = JSON.stringify({ host: `10.0.${n >> 8}.${n % 256}`, port: 5432, user: 'homeport' });
    yield {
      ...{ id: idOf('server', n), agentId: idOf('agent', n % size.agents), name: `main-${text(n)}` },
      ...{ engine: n % 3 ? 'postgresql' : 'mariadb', connection, version: '17.6', addedOnHost: false },
      createdAt: now - 4000 * HOUR,
    };
  }
}

function* databaseRows(size: FleetSize, now: number): Generator<InferInsertModel<typeof databases>> {
  for (let n = 0; n < size.databases; n += 1) {
    const fate = fateOf(n);
    const protectedAt = fate === 'stopped' || fate === 'unknown' ? null : now - 3000 * HOUR;
    yield {
      ...{ id: idOf('database', n), serverId: idOf('server', serverOf(size, n)) },
      ...{ name: `${FIELDS[n % FIELDS.length]}_${text(n)}`, createdAt: now - 3000 * HOUR, protectedAt },
      stoppedAt: fate === 'stopped' ? now - HOUR : null,
    };
  }
}

interface Filling {
  vaultId: string;
  now: number;
}

function* jobRows(size: FleetSize, { now, vaultId }: Filling): Generator<InferInsertModel<typeof jobs>> {
  const failure = JSON.stringify({ code: 'server_unreachable', message: 'No answer.', hint: 'Start it.' });
  const result = JSON.stringify({ kind: 'backup', rawBytes: 5e8, storedBytes: 4e6 });
  for (let n = 0; n < size.databases; n += 1) {
    const fate = fateOf(n);
    if (fate === 'new' || fate === 'unknown') continue;
    for (let k = 0; k < size.jobsEach; k += 1) {
      const failed = fate === 'failed' && k === 0;
      const at = now - k * 24 * HOUR - n * 1000;
      yield {
        ...{ id: idOf('job', n * 1000 + k), kind: 'backup', state: failed ? 'failed' : 'succeeded', vaultId },
        ...{ agentId: idOf('agent', agentOf(size, n)), serverId: idOf('server', serverOf(size, n)) },
        ...{ databaseId: idOf('database', n), snapshotId: idOf('snapshot', n * 1000 + k) },
        ...{
          sequence: size.snapshotsEach - k,
          attempt: 1,
          maxAttempts: 3,
          notBefore: at,
          requestedBy: 'Ada',
        },
        ...{ failure: failed ? failure : null, result: failed ? null : result },
        ...{ createdAt: at - 120_000, startedAt: at - 60_000, finishedAt: at },
      };
    }
  }
}

function* snapshotRows(
  size: FleetSize,
  { now, vaultId }: Filling,
): Generator<InferInsertModel<typeof snapshots>> {
  for (let n = 0; n < size.databases; n += 1) {
    const fate = fateOf(n);
    if (fate === 'new' || fate === 'unknown') continue;
    for (let k = fate === 'failed' ? 1 : 0; k < size.snapshotsEach; k += 1) {
      const id = idOf('snapshot', n * 1000 + k);
      const at = now - k * 24 * HOUR - n * 1000;
      yield {
        ...{ id, vaultId, databaseId: idOf('database', n), serverId: idOf('server', serverOf(size, n)) },
        ...{
          agentId: idOf('agent', agentOf(size, n)),
          jobId: idOf('job', n * 1000 + k),
          engine: 'postgresql',
        },
        ...{ sequence: size.snapshotsEach - k, path: `snapshots/${idOf('database', n)}/${id}.manifest` },
        ...{ rawBytes: 5e8 + n * 1000, storedBytes: 4e6 + k, serverVersion: '17.6', tool: 'pg_dump 17.6' },
        ...{ partial: false, startedAt: at - 60_000, finishedAt: at, createdAt: at },
      };
    }
  }
}

function* packRows(size: FleetSize, { now, vaultId }: Filling): Generator<InferInsertModel<typeof packs>> {
  for (let n = 0; n < size.databases * 10; n += 1) {
    const sha256 = createHash('sha256').update(String(n)).digest('hex');
    const serverId = idOf('server', serverOf(size, n % size.databases));
    yield { vaultId, sha256, serverId, length: 4e6, createdAt: now };
  }
}

function* auditRows(size: FleetSize, now: number): Generator<InferInsertModel<typeof auditLog>> {
  for (let n = 0; n < size.audit; n += 1) {
    const database = n % size.databases;
    yield {
      ...{ at: now - (size.audit - n) * 1000, actorKind: 'user', actorId: idOf('user', n % 20) },
      ...{
        actorName: `Person ${n % 20}`,
        action: n % 3 ? 'job.backup' : 'user.sign-in',
        source: '192.0.2.1',
      },
      ...{ targetKind: 'database', targetId: idOf('database', database) },
      ...{ targetName: `${FIELDS[database % FIELDS.length]}_${text(database)}`, details: null },
    };
  }
}
