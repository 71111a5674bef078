import { stripVTControlCharacters } from 'node:util';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import type { ApiJob } from '../support/api-shapes.ts';
import { eventually } from '../support/eventually.ts';
import { protect } from '../support/protect.ts';
import { sharedShop } from './cli-world.ts';

const shop = sharedShop();

/** What a bar is drawn over with. */
const REDRAW = '\r\u001b[J';

/** Keeps a dump waiting, for as long as a test needs a job to last. */
async function locked<T>(work: () => Promise<T>): Promise<T> {
  const { host, password, port, superuser } = shop().postgres;
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
    const jobs = await shop().homeport.api.get<ApiJob[]>('/jobs?state=running');
    return jobs.find((job) => job.kind === 'backup' && job.progress !== null);
  });

describe('waiting', () => {
  test('on a terminal: a bar that redraws itself, then one line', async () => {
    const { exitCode, stdout } = await shop().user.onTerminal(['backup', 'shop', '--wait']).ended;
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`${REDRAW}main/shop  `);
    expect(stripVTControlCharacters(stdout)).toMatch(/\d+ % {2}\[[#-]+\] {2}\d.* of about /);
    expect(stdout).toContain('\u001b[32m[');
    expect(stdout.trim().split('\n').at(-1)).toMatch(
      /Backup of main\/shop: succeeded, .*uploaded, in .*; snapshot/,
    );
  });

  test('several at once: a line each, drawn over together', async () => {
    await protect(shop().homeport.api, shop().server.id, 'postgres');
    const { exitCode, stdout } = await shop().user.onTerminal(['backup', 'shop', 'main/postgres', '--wait'])
      .ended;
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`\u001b[1A${REDRAW}`);
    expect(stdout.trim().split('\n').slice(-2).join()).toMatch(
      /Backup of main\/shop: succ.*\/postgres: succ/s,
    );
    expect((await shop().user.run(['backup', 'shop', 'main/shop', 'nothing'])).exitCode).toBe(4);
  });

  test('without colour and in few columns no line is longer than the terminal', async () => {
    const env = { NO_COLOR: '1' };
    const { exitCode, stdout } = await shop().user.onTerminal(['backup', 'shop', '--wait'], {
      columns: 40,
      env,
    }).ended;
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('\u001b[3');
    const drawn = stdout.split(REDRAW).slice(1, -1);
    expect(drawn.length).toBeGreaterThan(2);
    for (const line of drawn) expect(line.length).toBeLessThan(40);
  });

  test('in a pipe: JSON lines, the job in full at the end', async () => {
    const { exitCode, stdout } = await shop().user.run(['backup', shop().database.id, '--wait']);
    expect(exitCode).toBe(0);
    const lines = stdout.split('\n').map((line) => JSON.parse(line) as { event: string; job?: ApiJob });
    expect(new Set(lines.slice(0, -1).map(({ event }) => event))).toEqual(new Set(['progress']));
    const { api } = shop().homeport;
    const last = lines.at(-1)?.job;
    expect(lines.at(-1)?.event).toBe('finished');
    expect(last).toMatchObject({ state: 'succeeded', result: { kind: 'backup' } });
    expect(last).toEqual(leanOf(await api.get<ApiJob>(`/jobs/${last?.id}`)));
  });

  test('outlives a control plane that is killed meanwhile', async () => {
    const waiting = await locked(async () => {
      const started = shop().user.start(['backup', 'shop', '--wait']);
      await runningJob();
      await shop().homeport.controlPlane.kill();
      await eventually('the command notices', () => started.output().includes('disconnected'));
      await shop().homeport.controlPlane.start();
      await eventually('the command is back', () => started.output().includes('reconnected'));
      await shop().agent.online();
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
      const waiting = shop().user.onTerminal(['backup', 'shop', '--wait']);
      const job = await runningJob();
      await eventually('the bar is there', () => waiting.output().includes('dumping'));
      waiting.type('\u0003');
      const { exitCode, stdout } = await waiting.ended;
      const still = await shop().homeport.api.get<ApiJob>(`/jobs/${job.id}`);
      expect(still.state).toBe('running');
      return { code: exitCode, job, text: stdout };
    });
    expect(code).toBe(130);
    expect(text).toContain(`homeport cancel ${job.id}`);
    expect((await shop().user.run(['job', job.id, '--wait'])).exitCode).toBe(0);
  });
});

describe('exit codes', () => {
  const expectExit = async (args: string[], exitCode: number, stderr: string, env?: Record<string, string>) =>
    expect(await shop().user.run(args, env ? { env } : {}), args.join(' ')).toMatchObject({
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
    await expectExit(['cancel', shop().database.id], 4, 'not_found');
    await expectExit(['protect', 'main', 'shopp'], 4, '“shopp”');
  });

  test('5 where nobody answers: at once, while waiting, and for an agent that is away', async () => {
    const { api, controlPlane } = shop().homeport;
    await shop().agent.stop();
    await shop().agent.offline();
    await expectExit(['databases', '--available', '--server', 'main'], 5, 'agent_offline');
    const job = await api.post<ApiJob>(`/databases/${shop().database.id}/backup`);
    const waiting = shop().user.start(['job', job.id, '--wait', '--give-up-after', '1']);
    await eventually('it waits', () => waiting.output().includes('queued'));
    await controlPlane.kill();
    expect(await waiting.ended).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining('the job goes on'),
    });
    await expectExit(['agents'], 5, 'control_plane_unreachable');
    await controlPlane.start();
    shop().agent.start();
    await shop().agent.online();
    expect(await api.finished(job.id)).toMatchObject({ state: 'succeeded' });
  });

  test('6 where the job it waits for does not succeed', async () => {
    const answer = await locked(async () => {
      const waiting = shop().user.start(['backup', 'shop', '--wait']);
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

/** A job as the lines of `--wait` have it: without log and attempts, which `homeport job` shows. */
function leanOf({ attempts: _, log: __, ...job }: ApiJob) {
  return job;
}
