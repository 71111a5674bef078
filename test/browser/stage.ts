import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { runAgentCli } from '../support/agent.ts';
import { startBrowser } from '../support/browser.ts';
import { bareEnvironment, type Child, ROOT, startChild } from '../support/child.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

/** A control plane nobody owns yet, a database server, and a browser; the rest is done by clicking. */
export interface Stage {
  readonly controlPlane: ControlPlane;
  readonly postgres: TestPostgres;
  readonly page: Page;
  /** Everything a page wrote to its console as an error, and every exception nobody caught. */
  readonly complaints: string[];
  /** Enrols with what the UI printed, as somebody on the host would. */
  enrol(name: string, printed: { url: string; token: string }): Promise<void>;
  /** Starts the enrolled agent. */
  run(name: string): Child;
  stop(): Promise<void>;
}

export async function startStage(): Promise<Stage> {
  if (!existsSync(join(ROOT, 'web/dist/index.html')))
    throw new Error('Build the web UI first: npm run build');
  const directory = await mkdtemp(join(tmpdir(), 'homeport-browser-'));
  const logDirectory = join(directory, 'logs');
  await mkdir(logDirectory);
  const [controlPlane, postgres, browser] = await Promise.all([
    startControlPlane({ data: join(directory, 'data'), logDirectory }),
    startPostgres(),
    startBrowser(),
  ]);
  const complaints: string[] = [];
  const page = await openPage(browser, complaints);
  const agents: Child[] = [];
  const place = (name: string) => ({ name, state: join(directory, 'agents', name), logDirectory });
  return {
    controlPlane,
    postgres,
    page,
    complaints,
    enrol: async (name, { token, url }) => {
      await mkdir(place(name).state, { recursive: true });
      await runAgentCli(place(name), ['enrol', '--url', url], token);
    },
    run: (name) => {
      const agent = startChild({
        name: `agent-${name}`,
        command: [join(ROOT, 'bin/homeport-agent'), 'run'],
        env: bareEnvironment({ HOMEPORT_AGENT_STATE: place(name).state }),
        logDirectory,
      });
      agents.push(agent);
      return agent;
    },
    stop: async () => {
      await browser.close();
      await Promise.all(agents.map((agent) => agent.end('SIGKILL')));
      await controlPlane.kill();
      await postgres.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
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
