import { join } from 'node:path';
import type { Agent } from '../support/agent.ts';
import type { Homeport } from '../support/harness.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { addServer, protect } from '../support/protect.ts';
import { type BackupFigures, backUp } from './back-up.ts';
import { type CpuTime, cpuSince, cpuTime, seconds, shell } from './measure.ts';
import { type Profile, profileBackup } from './profile.ts';

export interface World {
  postgres: TestPostgres;
  homeport: Homeport;
  /** For what the peers write. */
  directory: string;
}

/** Wall seconds of every contestant, one entry a round; in a round all run once, one after the other. */
export type Times = Record<Contestant, number[]>;
export const CONTESTANTS = ['limit', 'typed', 'restic', 'first', 'resticAgain', 'second'] as const;
export type Contestant = (typeof CONTESTANTS)[number];

export interface SpeedFigures {
  times: Times;
  first: BackupFigures;
  second: BackupFigures;
  /** After 100 updates spread over the table. */
  updated: BackupFigures;
  /** Processor seconds of the last first backup. */
  cpu: { agent: number; pgDump: number; controlPlane: number; postgres: number };
  profile: Profile;
}

export async function measureSpeed(
  world: World,
  { database, rounds }: { database: string; rounds: number },
): Promise<SpeedFigures> {
  const { postgres, homeport } = world;
  const agent = await homeport.agent('speed');
  const env = { ...postgres.psqlEnv, PGDATABASE: database };
  await shell('pg_dump -Fc -Z0 > /dev/null', env); // the database is in memory from here on
  const times: Times = { limit: [], typed: [], restic: [], first: [], resticAgain: [], second: [] };
  let ours: Awaited<ReturnType<typeof ownRound>> | undefined;
  for (let round = 1; round <= rounds; round += 1) {
    times.limit.push(await seconds(() => shell('pg_dump -Fc -Z0 > /dev/null', env)));
    const typed = `pg_dump -Fc > ${join(world.directory, 'typed.dump')}`;
    times.typed.push(await seconds(() => shell(typed, env)));
    const restic = await resticRepository(world, { round, env });
    times.restic.push(await seconds(restic));
    ours = await ownRound(world, { agent, database, round });
    times.first.push(ours.firstSeconds);
    times.resticAgain.push(await seconds(restic));
    times.second.push(ours.secondSeconds);
    await shell(`rm -rf ${join(world.directory, `restic-${round}`)}`, env);
    const shown = CONTESTANTS.map((name) => `${name} ${times[name].at(-1)?.toFixed(2)} s`);
    console.error(`Round ${round} of ${rounds}: ${shown.join(', ')}`);
  }
  if (!ours) throw new Error('at least one round is needed');
  await scatterUpdates(postgres, database);
  const updated = await backUp(homeport.api, ours.databaseId);
  const { first, second, cpu } = ours;
  return { times, first, second, updated, cpu, profile: await profileBackup(world, database) };
}

async function resticRepository(world: World, input: { round: number; env: Record<string, string> }) {
  const env = {
    ...input.env,
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: join(world.directory, 'restic-cache'),
  };
  const repository = join(world.directory, `restic-${input.round}`);
  await shell(`restic -q -r ${repository} init`, env);
  return () =>
    shell(`pg_dump -Fc -Z0 | restic -q -r ${repository} backup --stdin --stdin-filename dump`, env);
}

/** A server of its own each round: deduplication never crosses servers, so that its first backup is a full one. */
async function ownRound(
  world: World,
  { agent, database, round }: { agent: Agent; database: string; round: number },
) {
  const { postgres, homeport } = world;
  const { api } = homeport;
  const server = await addServer(api, agent, { name: `${database} ${round}`, server: postgres });
  const { id: databaseId } = await protect(api, server.id, database);
  const pids = {
    agent: agent.process().pid,
    plane: homeport.controlPlane.process().pid,
    postgres: postgres.pid,
  };
  const before = { agent: cpuTime(pids.agent), plane: cpuTime(pids.plane), postgres: cpuTime(pids.postgres) };
  let first: BackupFigures | undefined;
  const firstSeconds = await seconds(async () => {
    first = await backUp(api, databaseId);
  });
  const both = (time: CpuTime) => time.own + time.children;
  const tool = cpuSince(pids.agent, before.agent);
  const cpu = {
    agent: tool.own,
    pgDump: tool.children,
    controlPlane: both(cpuSince(pids.plane, before.plane)),
    postgres: both(cpuSince(pids.postgres, before.postgres)),
  };
  let second: BackupFigures | undefined;
  const secondSeconds = await seconds(async () => {
    second = await backUp(api, databaseId);
  });
  return { databaseId, firstSeconds, secondSeconds, cpu, first: first!, second: second! };
}

async function scatterUpdates(postgres: TestPostgres, database: string): Promise<void> {
  await postgres.query(
    `UPDATE orders SET status = 'audited', amount = amount + 1
     WHERE id IN (SELECT 1 + (n * (SELECT max(id) FROM orders) / 100) FROM generate_series(0, 99) n)`,
    database,
  );
}
