import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type Agent, startAgent } from '../support/agent.ts';
import type { Api } from '../support/api.ts';
import { startBrowser } from '../support/browser.ts';
import { bareEnvironment, type Child, ROOT, startChild } from '../support/child.ts';
import { type ControlPlane, OWNER, startControlPlane } from '../support/control-plane.ts';
import { freePort } from '../support/ports.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

/** A control plane nobody owns yet, a database server, and a browser; the rest is done by clicking. */
export interface Stage {
  readonly controlPlane: ControlPlane;
  readonly postgres: TestPostgres;
  readonly page: Page;
  /** Everything a page wrote to its console as an error, and every exception nobody caught. */
  readonly complaints: string[];
  /** A page in a browser profile of its own, signed in to nothing. */
  anotherPage(): Promise<Page>;
  /** Signs in as {@link OWNER}, where the API claimed the control plane. */
  signIn(): Promise<void>;
  /** Runs the lines the UI printed in a shell in the checkout, as somebody on the host would. */
  paste(name: string, command: string): Promise<Child>;
  /** An agent without clicking: what a story begins with. */
  agent(name: string, api: Api): Promise<Agent>;
  stop(): Promise<void>;
}

/**
 * @param env more for the control plane's environment
 * @param host what people call it; its own address where absent
 */
export async function startStage(env: Record<string, string> = {}, host?: string): Promise<Stage> {
  if (!existsSync(join(ROOT, 'web/dist/index.html')))
    throw new Error('Build the web UI first: npm run build');
  const directory = await mkdtemp(join(tmpdir(), 'homeport-browser-'));
  const logDirectory = join(directory, 'logs');
  await mkdir(logDirectory);
  const [controlPlane, postgres, browser] = await Promise.all([
    startControlPlane({ data: join(directory, 'data'), logDirectory, env, ...(await calledBy(host)) }),
    startPostgres(),
    startBrowser(),
  ]);
  const complaints: string[] = [];
  const page = await openPage(browser, complaints);
  const children: Child[] = [];
  const agents: Agent[] = [];
  const place = (name: string) => ({ name, state: join(directory, 'agents', name), logDirectory });
  return {
    controlPlane,
    postgres,
    page,
    complaints,
    anotherPage: () => openPage(browser, complaints),
    signIn: async () => {
      await page.goto(controlPlane.url);
      await page.getByLabel('E-mail address').fill(OWNER.email);
      await page.getByLabel('Password').fill(OWNER.password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    },
    paste: async (name, command) => {
      const env = bareEnvironment({ HOMEPORT_AGENT_STATE: place(name).state });
      await mkdir(place(name).state, { recursive: true });
      // With `exec` the shell becomes the agent, so that ending the one ends the other.
      const input = `${command.replace(/^(.* run)$/m, 'exec $1')}\n`;
      const child = startChild({ name: `agent-${name}`, command: ['sh'], input, env, logDirectory });
      children.push(child);
      return child;
    },
    agent: async (name, api) => {
      const agent = await startAgent({ ...place(name), api });
      agents.push(agent);
      return agent;
    },
    stop: async () => {
      await browser.close();
      await Promise.all([
        ...children.map((child) => child.end('SIGKILL')),
        ...agents.map((one) => one.kill()),
      ]);
      await controlPlane.kill();
      await postgres.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A port of its own, with the address that people use for it. */
async function calledBy(host: string | undefined): Promise<{ port?: number; publicUrl?: string }> {
  if (host === undefined) return {};
  const port = await freePort();
  return { port, publicUrl: `http://${host}:${port}` };
}

async function openPage(browser: Browser, complaints: string[]): Promise<Page> {
  const context: BrowserContext = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return page;
}
