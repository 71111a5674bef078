import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Agent } from '../support/agent.ts';
import type { ApiJob } from '../support/api-shapes.ts';
import type { Homeport } from '../support/harness.ts';
import type { TestMariadb } from '../support/mariadb.ts';
import { addServer, protect, startRestore } from '../support/protect.ts';
import { type BackupFigures, backUp, ended } from './back-up.ts';
import { seconds, shell } from './measure.ts';

export interface MariadbWorld {
  mariadb: TestMariadb;
  homeport: Homeport;
  /** For what the peers write. */
  directory: string;
}

export const MARIADB_CONTESTANTS = ['dump', 'first', 'load', 'restore'] as const;
export type MariadbTimes = Record<(typeof MARIADB_CONTESTANTS)[number], number[]>;

export interface MariadbFigures {
  /** Wall seconds, one entry a round; in a round all run once, one after the other. */
  times: MariadbTimes;
  first: BackupFigures;
  /** After 100 updates and 40 deletes spread over the table. */
  changed: BackupFigures;
  /** Bytes of the peer's compressed file. */
  peerBytes: number;
}

/** First backup and restore against what a user would type, and what 140 scattered changes cost. */
export async function measureMariadb(
  world: MariadbWorld,
  { database, rounds }: { database: string; rounds: number },
): Promise<MariadbFigures> {
  const { homeport, mariadb } = world;
  const agent = await homeport.agent('mariadb');
  const peer = peerCommands(world, database);
  await shell(`${peer.dump} > ${peer.plainFile}`, mariadb.clientEnv); // the database is in memory from here on
  const times: MariadbTimes = { dump: [], first: [], load: [], restore: [] };
  let ours: { databaseId: string; first: BackupFigures } | undefined;
  for (let round = 1; round <= rounds; round += 1) {
    times.dump.push(
      await seconds(() => shell(`${peer.dump} | zstd -q -3 -f -o ${peer.zstdFile}`, mariadb.clientEnv)),
    );
    const own = await ownRound(world, { agent, database, round });
    ours = own;
    times.first.push(own.firstSeconds);
    await mariadb.query('CREATE DATABASE peer_load');
    times.load.push(
      await seconds(() => shell(`${peer.client} peer_load < ${peer.plainFile}`, mariadb.clientEnv)),
    );
    await mariadb.query('DROP DATABASE peer_load');
    times.restore.push(own.restoreSeconds);
    const shown = MARIADB_CONTESTANTS.map((name) => `${name} ${times[name].at(-1)?.toFixed(2)} s`);
    console.error(`Round ${round} of ${rounds}: ${shown.join(', ')}`);
  }
  if (!ours) throw new Error('at least one round is needed');
  await scatterChanges(mariadb, database);
  const changed = await backUp(homeport.api, ours.databaseId);
  const { size: peerBytes } = await stat(peer.zstdFile);
  return { times, first: ours.first, changed, peerBytes };
}

function peerCommands({ mariadb, directory }: MariadbWorld, database: string) {
  const login = `--defaults-file=${mariadb.defaultsFile}`;
  const what = '--single-transaction --quick --routines --events --triggers --hex-blob';
  return {
    dump: `mariadb-dump ${login} ${what} ${database}`,
    client: `mariadb ${login}`,
    plainFile: join(directory, 'peer.sql'),
    zstdFile: join(directory, 'peer.sql.zst'),
  };
}

/** A server of its own each round: deduplication never crosses servers, so that its first backup is a full one. */
async function ownRound(
  { mariadb, homeport }: MariadbWorld,
  { agent, database, round }: { agent: Agent; database: string; round: number },
) {
  const { api } = homeport;
  const server = await addServer(api, agent, { name: `${database} ${round}`, server: mariadb });
  const { id: databaseId } = await protect(api, server.id, database);
  let first: BackupFigures | undefined;
  const firstSeconds = await seconds(async () => {
    first = await backUp(api, databaseId);
  });
  const target = `restored_${round}`;
  const restoreSeconds = await seconds(async () => {
    const plan = { targetDatabase: target };
    const job = await startRestore(api, first!.snapshotId, { serverId: server.id, plan });
    const over: ApiJob = await ended(api, job.id);
    if (over.state !== 'succeeded')
      throw new Error(`the restore ${over.state}: ${JSON.stringify(over.failure)}`);
  });
  await mariadb.query(`DROP DATABASE ${target}`);
  return { databaseId, firstSeconds, restoreSeconds, first: first! };
}

async function scatterChanges(mariadb: TestMariadb, database: string): Promise<void> {
  const every = (n: number) => `(SELECT max(id) DIV ${n} FROM (SELECT max(id) AS id FROM orders) whole)`;
  await mariadb.query(
    `UPDATE orders SET status = 'audited', amount = amount + 1 WHERE id % ${every(100)} = 77`,
    database,
  );
  await mariadb.query(`DELETE FROM orders WHERE id % ${every(40)} = 1234`, database);
}
