import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent } from '../support/agent.ts';
import type { ApiDatabase, ApiJob, ApiServer } from '../support/api-shapes.ts';
import { checksums } from '../support/checksums.ts';
import { type CliUser, cliUser } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { addServer, protect } from '../support/protect.ts';
import { createShop } from '../support/shop.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

const homeport = sharedHomeport();
const postgres = sharedPostgres();

/** What a bar is drawn over with. */
const REDRAW = '\r\u001b[J';

let agent: Agent;
let server: ApiServer;
let database: ApiDatabase;
let user: CliUser;

beforeAll(async () => {
  await createShop(postgres(), 'shop', 20_000);
  agent = await homeport().agent('first');
  server = await addServer(homeport().api, agent, { name: 'main', server: postgres() });
  database = await protect(homeport().api, server.id, 'shop');
  user = await cliUser(homeport().api);
});
afterAll(() => user?.[Symbol.asyncDispose]());

/** Keeps a dump waiting, for as long as a test needs a job to last. */
async function locked<T>(work: () => Promise<T>): Promise<T> {
  const { host, password, port, superuser } = postgres();
  const client = new pg.Client({ host, port, user: superuser, password, database: 'shop' });
  await client.connect();
  try {
    await client.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
    return await work();
  } finally {
    await client.end();
  }
}

const runningJob = () =>
  eventually('a backup runs', async () => {
    const jobs = await homeport().api.get<ApiJob[]>('/jobs?state=running');
    return jobs.find((job) => job.kind === 'backup' && job.progress !== null);
  });

describe('waiting', () => {
  test('on a terminal: a bar that redraws itself, then one line', async () => {
    const { exitCode, stdout } = await user.onTerminal(['backup', 'shop', '--wait']).ended;
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`${REDRAW}main/shop  `);
    expect(stripVTControlCharacters(stdout)).toMatch(/\d+ % {2}\[[#-]+\] {2}\d.* of about /);
    expect(stdout).toContain('\u001b[32m[');
    expect(stdout.trim().split('\n').at(-1)).toMatch(
      /Backup of main\/shop: succeeded, .*uploaded, in .*; snapshot/,
    );
  });

  test('without colour and in few columns no line is longer than the terminal', async () => {
    const env = { NO_COLOR: '1' };
    const { exitCode, stdout } = await user.onTerminal(['backup', 'shop', '--wait'], { columns: 40, env })
      .ended;
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('\u001b[3');
    const drawn = stdout.split(REDRAW).slice(1, -1);
    expect(drawn.length).toBeGreaterThan(2);
    for (const line of drawn) expect(line.length).toBeLessThan(40);
  });

  test('in a pipe: JSON lines, the job in full at the end', async () => {
    const { exitCode, stdout } = await user.run(['backup', database.id, '--wait']);
    expect(exitCode).toBe(0);
    const lines = stdout.split('\n').map((line) => JSON.parse(line) as { event: string; job?: ApiJob });
    expect(new Set(lines.slice(0, -1).map(({ event }) => event))).toEqual(new Set(['progress']));
    const { api } = homeport();
    const last = lines.at(-1)?.job;
    expect(lines.at(-1)?.event).toBe('finished');
    expect(last).toMatchObject({ state: 'succeeded', result: { kind: 'backup' } });
    expect(last).toEqual(leanOf(await api.get<ApiJob>(`/jobs/${last?.id}`)));
  });

  test('outlives a control plane that is killed meanwhile', async () => {
    const waiting = await locked(async () => {
      const started = user.start(['backup', 'shop', '--wait']);
      await runningJob();
      await homeport().controlPlane.kill();
      await eventually('the command notices', () => started.output().includes('disconnected'));
      await homeport().controlPlane.start();
      await eventually('the command is back', () => started.output().includes('reconnected'));
      await agent.online();
      return { started };
    });
    const { exitCode, stdout } = await waiting.started.ended;
    expect(exitCode).toBe(0);
    expect(JSON.parse(String(stdout).split('\n').at(-1) ?? '')).toMatchObject({
      event: 'finished',
      job: { state: 'succeeded' },
    });
  });

  test('Ctrl-C ends the waiting, says how to go on, and leaves the job alone', async () => {
    const { code, job, text } = await locked(async () => {
      const waiting = user.onTerminal(['backup', 'shop', '--wait']);
      const job = await runningJob();
      await eventually('the bar is there', () => waiting.output().includes('dumping'));
      waiting.type('\u0003');
      const { exitCode, stdout } = await waiting.ended;
      const still = await homeport().api.get<ApiJob>(`/jobs/${job.id}`);
      expect(still.state).toBe('running');
      return { code: exitCode, job, text: stdout };
    });
    expect(code).toBe(130);
    expect(text).toContain(`homeport cancel ${job.id}`);
    expect((await user.run(['job', job.id, '--wait'])).exitCode).toBe(0);
  });
});

describe('exit codes', () => {
  const expectExit = async (args: string[], exitCode: number, stderr: string, env?: Record<string, string>) =>
    expect(await user.run(args, env ? { env } : {}), args.join(' ')).toMatchObject({
      exitCode,
      stderr: expect.stringContaining(stderr),
    });

  test('0 done, 1 failed, 2 wrong use, 3 not logged in, 4 not found', async () => {
    await expectExit(['agents'], 0, '');
    await expectExit(['restore', 'latest', '--of', 'shop', '--to', 'main'], 1, 'restore_not_possible');
    await expectExit(['databasess'], 2, 'Did you mean databases?');
    await expectExit(['restore', 'latest', '--of', 'shop'], 2, '--to');
    await expectExit(['restore', 'latest', '--of', 'shop', '--to', 'main', '--swap'], 2, '--confirm shop');
    await expectExit(['agents'], 3, 'not valid', { HOMEPORT_API_KEY: 'hp_nothing' });
    await expectExit(['backup', 'shop', 'nothing'], 4, 'no database “nothing”');
    await expectExit(['cancel', database.id], 4, 'not_found');
    await expectExit(['protect', 'main', 'shopp'], 4, '“shopp”');
  });

  test('5 where nobody answers: at once, while waiting, and for an agent that is away', async () => {
    const { api, controlPlane } = homeport();
    await agent.stop();
    await agent.offline();
    await expectExit(['databases', '--available', '--server', 'main'], 5, 'agent_offline');
    const job = await api.post<ApiJob>(`/databases/${database.id}/backup`);
    const waiting = user.start(['job', job.id, '--wait', '--give-up-after', '1']);
    await eventually('it waits', () => waiting.output().includes('queued'));
    await controlPlane.kill();
    expect(await waiting.ended).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining('the job goes on'),
    });
    await expectExit(['agents'], 5, 'control_plane_unreachable');
    await controlPlane.start();
    agent.start();
    await agent.online();
    expect(await api.finished(job.id)).toMatchObject({ state: 'succeeded' });
  });

  test('6 where the job it waits for does not succeed', async () => {
    const answer = await locked(async () => {
      const waiting = user.start(['backup', 'shop', '--wait']);
      const { id } = await runningJob();
      await expectExit(['cancel', id], 0, '');
      return { waiting };
    });
    const { exitCode, stderr, stdout } = await answer.waiting.ended;
    expect(exitCode).toBe(6);
    expect(stdout).toContain('"cancelled"');
    expect(stderr).toContain('homeport job');
  });
});

describe('restores and downloads', () => {
  test('what replaces data wants the name typed on a terminal, and takes no other', async () => {
    await postgres().query('CREATE DATABASE live TEMPLATE shop');
    await postgres().query('DELETE FROM orders WHERE id < 500', 'live');
    const changed = await checksums(postgres(), 'live');
    const args = ['restore', 'latest', '--of', 'shop', '--to', 'main', '--swap', '--into', 'live', '--wait'];
    const typing = async (answer: string) => {
      const terminal = user.onTerminal(args);
      await eventually('it asks', () => terminal.output().includes('Type the database’s name'));
      terminal.type(`${answer}\r`);
      return terminal.ended;
    };
    const { exitCode } = await typing('shop');
    expect(exitCode).toBe(2);
    expect(await checksums(postgres(), 'live')).toEqual(changed);
    const done = await typing('live');
    expect(done).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('is kept as “live_before_') });
    expect(await checksums(postgres(), 'live')).toEqual(await checksums(postgres(), 'shop'));
  });

  test('a download replaces nothing, goes to no terminal, and keeps nothing that broke off', async () => {
    const file = join(user.home, 'mine');
    await writeFile(file, 'precious');
    const download = (...args: string[]) => user.run(['download', 'latest', '--of', 'shop', ...args]);
    expect(await download('--out', file)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('exists'),
    });
    expect(await readFile(file, 'utf8')).toBe('precious');
    const terminal = await user.onTerminal(['download', 'latest', '--of', 'shop', '--out', '-']).ended;
    expect(terminal).toMatchObject({ exitCode: 2, stdout: expect.stringContaining('not for a terminal') });

    const packs = await vaultFiles('packs');
    for (const pack of packs) await chmod(pack, 0o600);
    const originals = await Promise.all(packs.map((pack) => readFile(pack)));
    try {
      for (const [at, pack] of packs.entries()) {
        const wrong = Buffer.from(originals[at] ?? []);
        wrong.fill(0xff, wrong.length >> 1, (wrong.length >> 1) + 4096);
        await writeFile(pack, wrong);
      }
      const broken = await download('--out', join(user.home, 'broken'));
      expect(broken.exitCode).not.toBe(0);
      const piped = await user.shell('homeport download latest --of shop --out - >piped');
      expect(piped.exitCode).not.toBe(0);
    } finally {
      for (const [at, pack] of packs.entries()) await writeFile(pack, originals[at] ?? '');
    }
    expect(await readdir(user.home)).not.toContain('broken');
    expect(await readdir(user.home)).not.toContain('broken.part');
    expect((await download('--out', join(user.home, 'broken'))).exitCode).toBe(0);
  });
});

/** A job as the lines of `--wait` have it: without log and attempts, which `homeport job` shows. */
function leanOf({ attempts: _, log: __, ...job }: ApiJob) {
  return job;
}

async function vaultFiles(kind: string): Promise<string[]> {
  const root = join(homeport().directory, 'data/vaults');
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((one) => one.isFile() && one.parentPath.includes(`/${kind}`))
    .map((one) => join(one.parentPath, one.name));
}
