import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Failure, FailureCode } from '../../../protocol/failure.ts';
import type { Agent } from '../../support/agent.ts';
import { type Api, refusal } from '../../support/api.ts';
import type { ApiJob, ApiServer } from '../../support/api-shapes.ts';
import { startBrowser } from '../../support/browser.ts';
import { type CliAnswer, type CliUser, cliUser } from '../../support/cli.ts';
import { OWNER } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import type { Homeport } from '../../support/harness.ts';
import { addServer } from '../../support/protect.ts';
import type { TestServer } from '../../support/server-process.ts';
import { sharedHomeport } from '../world.ts';

/** Somebody who looks at one Homeport in all three ways: by its API, on a command line, and in a browser. */
export interface Desk {
  homeport: Homeport;
  api: Api;
  user: CliUser;
  page: Page;
}

/** What a failure has to say; every string is a part of it. */
export interface Wanted {
  code: FailureCode;
  message?: (string | RegExp)[];
  hint?: (string | RegExp)[];
  sql?: (string | RegExp)[];
}

/** A {@link Desk} for the tests of a file. */
export function sharedDesk(): () => Desk {
  const homeport = sharedHomeport();
  const resources = new AsyncDisposableStack();
  let desk: Desk | undefined;
  beforeAll(async () => {
    const { api, controlPlane } = homeport();
    const user = resources.use(await cliUser(api));
    const browser = await startBrowser();
    resources.defer(() => browser.close());
    const page = await browser.newPage();
    page.setDefaultTimeout(45_000);
    await page.goto(controlPlane.url);
    await page.getByLabel('E-mail address').fill(OWNER.email);
    await page.getByLabel('Password').fill(OWNER.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    desk = { homeport: homeport(), api, user, page };
  });
  afterAll(() => resources.disposeAsync());
  return () => desk as Desk;
}

/** Adds a server with settings of which some are wrong. It is kept: who adds it may start it later. */
export function enter(
  desk: Desk,
  agent: Agent,
  input: { name: string; server: TestServer; engine?: TestServer['engine']; password?: string } & {
    connection?: Record<string, unknown>;
  },
): Promise<ApiServer> {
  const { engine = input.server.engine, password = input.server.password } = input;
  return addServer(desk.api, agent, { ...input, server: { ...input.server, engine, password } });
}

/** Tests the connection of a server in all three ways, which must agree, and gives the failure. */
export async function connectionFailure(desk: Desk, server: ApiServer, wanted: Wanted): Promise<Failure> {
  const { agentId, id } = server;
  const [refused, cli, text] = await Promise.all([
    refusal(desk.api.post('/servers/probe', { agentId, serverId: id })),
    desk.user.run(['databases', '--available', '--server', id]),
    read(desk, `/servers/${id}`, 'Test connection'),
  ]);
  expect(cli.exitCode, cli.stderr).toBe(1);
  return agree(refused.failure, wanted, { cli, text });
}

/** Looks at a failed job, or one that will be tried again, in all three ways, which must agree. */
export async function jobFailure(desk: Desk, jobId: string, wanted: Wanted): Promise<Failure> {
  const { api, user } = desk;
  const job = await eventually(
    `job ${jobId} fails`,
    async () => {
      const now = await api.get<ApiJob>(`/jobs/${jobId}`);
      if (now.state === 'succeeded') throw new Error(`Job ${jobId} succeeded; it was to fail.`);
      return now.failure && now.state !== 'running' ? now : undefined;
    },
    90_000,
  );
  const again = job.state === 'queued';
  const [cli, text] = await Promise.all([
    user.run(again ? ['job', jobId] : ['job', jobId, '--wait']),
    read(desk, `/jobs/${jobId}`),
  ]);
  expect(cli.exitCode).toBe(again ? 0 : 6);
  if (again) await api.post(`/jobs/${jobId}/cancel`);
  return agree(job.failure as Failure, wanted, { cli, text });
}

/** What a page says once it shows a failure. */
async function read({ homeport, page }: Desk, path: string, press?: string): Promise<string> {
  await page.goto(`${homeport.controlPlane.url}${path}`);
  if (press) await page.getByRole('button', { name: press, exact: true }).click();
  const alert = page.getByRole('alert').first();
  await alert.waitFor();
  const sql = alert.getByLabel('SQL that removes the cause');
  // What is to be pasted has a button of its own to copy it.
  if ((await sql.count()) > 0)
    expect(await alert.getByRole('button', { name: 'Copy', exact: true }).count()).toBeGreaterThan(0);
  return (await alert.locator('p, pre, code').allTextContents()).join(' ');
}

function agree(failure: Failure, wanted: Wanted, { cli, text }: { cli: CliAnswer; text: string }): Failure {
  expect(failure, JSON.stringify(failure)).toMatchObject({ code: wanted.code });
  for (const part of ['message', 'hint', 'sql'] as const) {
    for (const words of wanted[part] ?? []) expect(failure[part] ?? '').toMatch(words);
  }
  const parts = [failure.code, failure.message, failure.hint, failure.sql].filter((one) => one !== undefined);
  for (const one of parts) {
    expect(plain(cli.stderr), 'the command line').toContain(plain(one));
    expect(plain(text), 'the page').toContain(plain(one));
  }
  return failure;
}

/** Line breaks and indents are how each shows it. */
const plain = (text: string) => text.replace(/\s+/g, ' ').trim();
